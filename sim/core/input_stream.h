#pragma once

#include <istream>
#include <memory>
#include <string>

#include "sim/core/check.h"

namespace podium {

/// The characters of a file, read through gzip and zstd: the file's first bytes tell, not its name. Nothing is held but
/// a buffer, so that files of any size are read. A UTF-8 byte-order mark is no character.
/// - What is no file, as in `open_file`, and archives (tar, zip) and other compressions are an InputError of the
///   constructor; compressed data that are damaged or end early are one of the read that finds it, with the file's
///   name.
/// - `std::getline` and the like work as on any stream, as does `rdbuf()`.
class InputStream : public std::istream {
 public:
  explicit InputStream(const std::string& path, const std::string& what = "the file", const Location& where = {});
  /// What a file of these bytes would give; `name` stands in messages.
  static InputStream of_bytes(std::string bytes, const std::string& name);

  InputStream(InputStream&&) noexcept;
  ~InputStream() override;

  /// As given, for locations.
  const std::string& path() const { return path_; }
  /// Characters that were taken so far.
  std::uint64_t offset() const;

 private:
  class Buffer;
  InputStream(std::unique_ptr<std::streambuf> raw, const std::string& path);
  std::string path_;
  std::unique_ptr<Buffer> buffer_;
};

}  // namespace podium
