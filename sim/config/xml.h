#pragma once

#include <map>
#include <string>
#include <vector>

#include "sim/core/check.h"

namespace podium {

/// An element of an XML file: its attributes and children; text between them is left out.
struct XmlElement {
  std::string name;
  std::map<std::string, std::string> attributes;
  std::vector<XmlElement> children;
  Location where;

  /// InputError where there is no such attribute.
  const std::string& text(const std::string& attribute) const;
  /// A whole number from `least` on, -1 among them where it is allowed. InputError where it is not one.
  int whole(const std::string& attribute, int least = 0) const;
};

/// The root of an XML file, which gzip or zstandard may have compressed; InputError where it cannot be read or is not
/// well formed.
XmlElement read_xml(const std::string& path);

}  // namespace podium
