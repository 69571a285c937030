#pragma once

#include <fstream>
#include <string>
#include <vector>

#include "sim/workload/trace.h"
#include "tests/config/temporary_folder.h"
#include "tests/core/error_of.h"

namespace podium::test {

/// What a file of this content gives.
inline Trace trace_of(const std::string& content, const TraceOptions& options = {}) {
  return read_trace(InputStream::of_bytes(content, "t"), options);
}

/// What is wrong with it.
inline std::string message_of(const std::string& content, const TraceOptions& options = {}) {
  return error_of([&] { trace_of(content, options); });
}

/// Chakra's wire format by the hand of a test, apart from the program's own writer.
class ChakraFile {
 public:
  ChakraFile() { record(text(1, "0.0.4")); }

  struct Node {
    std::uint64_t id = 0;
    std::string name = {};
    std::uint32_t type = 4;
    std::vector<std::uint64_t> after = {};
    std::uint64_t microseconds = 0;
    std::vector<std::pair<std::string, std::int64_t>> attributes = {};
    std::string group = {};
    std::vector<std::pair<std::string, std::string>> texts = {};  ///< attributes too
    std::string fields = {};                                      ///< more, as they are in the file
  };
  ChakraFile& add(const Node& node) {
    std::string bytes = number(1, node.id) + text(2, node.name) + number(3, node.type) + number(7, node.microseconds);
    for (const std::uint64_t id : node.after) {
      bytes += number(5, id);
    }
    for (const auto& [name, value] : node.attributes) {
      bytes += text(10, text(1, name) + number(9, static_cast<std::uint64_t>(value)));
    }
    if (!node.group.empty()) {
      bytes += text(10, text(1, "pg_name") + text(29, node.group));
    }
    for (const auto& [name, value] : node.texts) {
      bytes += text(10, text(1, name) + text(29, value));
    }
    record(bytes + node.fields);
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  static std::string varint(std::uint64_t value) {
    std::string out;
    for (; value >= 0x80; value >>= 7) {
      out += static_cast<char>(value | 0x80);
    }
    return out + static_cast<char>(value);
  }
  static std::string number(std::uint32_t field, std::uint64_t value) { return varint(field << 3) + varint(value); }
  static std::string text(std::uint32_t field, const std::string& value) {
    return varint(field << 3 | 2) + varint(value.size()) + value;
  }
  void record(const std::string& message) { bytes_ += varint(message.size()) + message; }

  std::string bytes_;
};

/// A trace of files in a folder.
class TraceFiles {
 public:
  void add(const std::string& name, const std::string& content) {
    std::ofstream(folder_.path() / name, std::ios::binary) << content;
  }
  std::string message() const {
    std::string text = error_of([&] { load(); });
    const std::string prefix = folder_.path().string() + "/";
    for (std::size_t at = text.find(prefix); at != std::string::npos; at = text.find(prefix)) {
      text.erase(at, prefix.size());
    }
    return text;
  }
  Trace load(const TraceOptions& options = {}) const { return load_trace({folder_.path().string()}, options); }

 private:
  TemporaryFolder folder_;
};

}  // namespace podium::test
