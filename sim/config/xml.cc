#include "sim/config/xml.h"

#include <expat.h>

#include <charconv>
#include <iterator>
#include <limits>
#include <memory>

#include "sim/core/input_stream.h"

namespace podium {

namespace {

/// What a file is read into: the elements that are open, the root's parent first.
struct Reading {
  std::string path;
  XML_Parser parser = nullptr;
  std::vector<XmlElement> open;
  bool has_entities = false;
};

Location here(const Reading& reading) {
  return {reading.path, static_cast<std::uint32_t>(XML_GetCurrentLineNumber(reading.parser)),
          static_cast<std::uint32_t>(XML_GetCurrentColumnNumber(reading.parser) + 1)};
}

void begin(void* data, const XML_Char* name, const XML_Char** attributes) {
  Reading& reading = *static_cast<Reading*>(data);
  XmlElement element{name, {}, {}, here(reading)};
  for (; *attributes != nullptr; attributes += 2) {
    element.attributes.emplace(attributes[0], attributes[1]);
  }
  reading.open.push_back(std::move(element));
}

void end(void* data, const XML_Char*) {
  std::vector<XmlElement>& open = static_cast<Reading*>(data)->open;
  XmlElement element = std::move(open.back());
  open.pop_back();
  open.back().children.push_back(std::move(element));
}

/// Entities that a document declares can blow it up; none is needed here.
void refuse_entities(void* data, const XML_Char*, int, const XML_Char*, int, const XML_Char*, const XML_Char*,
                     const XML_Char*, const XML_Char*) {
  Reading& reading = *static_cast<Reading*>(data);
  reading.has_entities = true;
  XML_StopParser(reading.parser, XML_FALSE);
}

}  // namespace

const std::string& XmlElement::text(const std::string& attribute) const {
  const auto found = attributes.find(attribute);
  if (found == attributes.end()) {
    throw InputError(where, "<" + name + "> has no " + attribute);
  }
  return found->second;
}

int XmlElement::whole(const std::string& attribute, int least) const {
  const std::string& found = text(attribute);
  int value = 0;
  const auto [end, error] = std::from_chars(found.data(), found.data() + found.size(), value);
  if (error == std::errc::result_out_of_range) {
    throw InputError(where, "<" + name + ">: " + attribute + " is '" + found + "', beyond what is read: at most " +
                                std::to_string(std::numeric_limits<int>::max()));
  }
  if (error != std::errc() || end != found.data() + found.size() || value < least) {
    throw InputError(where, "<" + name + ">: " + attribute + " is '" + found + "', not a whole number of at least " +
                                std::to_string(least));
  }
  return value;
}

XmlElement read_xml(const std::string& path) {
  InputStream file(path);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  if (text.empty()) {
    throw InputError({path}, "is empty; an XML file has a root element");
  }
  const std::unique_ptr<XML_ParserStruct, decltype(&XML_ParserFree)> parser(XML_ParserCreate(nullptr), &XML_ParserFree);
  Reading reading{path, parser.get(), std::vector<XmlElement>(1)};
  XML_SetUserData(parser.get(), &reading);
  XML_SetElementHandler(parser.get(), begin, end);
  XML_SetEntityDeclHandler(parser.get(), refuse_entities);
  const bool fits = text.size() < static_cast<std::size_t>(std::numeric_limits<int>::max());
  if (!fits || XML_Parse(parser.get(), text.data(), static_cast<int>(text.size()), 1) != XML_STATUS_OK) {
    if (reading.has_entities) {
      throw InputError(here(reading), "entities of a file's own are not read; write out what they stand for");
    }
    throw InputError(here(reading), fits ? XML_ErrorString(XML_GetErrorCode(parser.get())) : "the file is too large");
  }
  return reading.open.front().children.front();
}

}  // namespace podium
