#include "sim/core/input_stream.h"

#include <zlib.h>
#include <zstd.h>

#include <array>
#include <fstream>
#include <sstream>
#include <string_view>
#include <vector>

#include "sim/core/file.h"

namespace podium {

/// Bytes in, characters out. `read` fills the whole of its buffer but at the end.
class Decoder {
 public:
  virtual ~Decoder() = default;
  virtual std::size_t read(char* to, std::size_t size) = 0;
};

namespace {

using namespace std::string_view_literals;

constexpr std::size_t chunk = std::size_t{1} << 16;

class Plain final : public Decoder {
 public:
  explicit Plain(std::streambuf& from) : from_(from) {}
  std::size_t read(char* to, std::size_t size) override {
    return static_cast<std::size_t>(from_.sgetn(to, static_cast<std::streamsize>(size)));
  }

 private:
  std::streambuf& from_;
};

class Gzip final : public Decoder {
 public:
  Gzip(std::streambuf& from, std::string name) : from_(from), name_(std::move(name)), in_(chunk) {
    constexpr int gzip_header = 16;
    PODIUM_CHECK(inflateInit2(&stream_, MAX_WBITS + gzip_header) == Z_OK);
  }
  ~Gzip() override { inflateEnd(&stream_); }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;

  std::size_t read(char* to, std::size_t size) override {
    stream_.next_out = reinterpret_cast<Bytef*>(to);
    stream_.avail_out = static_cast<uInt>(size);
    while (stream_.avail_out > 0) {
      if (stream_.avail_in == 0) {
        stream_.next_in = in_.data();
        stream_.avail_in = static_cast<uInt>(
            from_.sgetn(reinterpret_cast<char*>(in_.data()), static_cast<std::streamsize>(in_.size())));
        if (stream_.avail_in == 0) {
          if (!between_members_) {
            throw InputError({name_}, "the gzip data end before they are whole: the file was cut short");
          }
          break;
        }
      }
      step();
    }
    return size - stream_.avail_out;
  }

 private:
  void step() {
    if (between_members_) {
      inflateReset(&stream_);  // gzip files in a row are one file
      between_members_ = false;
    }
    const int status = inflate(&stream_, Z_NO_FLUSH);
    if (status == Z_STREAM_END) {
      between_members_ = true;
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      throw InputError({name_}, std::string("the gzip data are damaged: ") +
                                    (stream_.msg == nullptr ? "no such stream" : stream_.msg));
    }
  }

  std::streambuf& from_;
  std::string name_;
  std::vector<Bytef> in_;
  z_stream stream_{};
  bool between_members_ = false;
};

class Zstd final : public Decoder {
 public:
  Zstd(std::streambuf& from, std::string name)
      : from_(from), name_(std::move(name)), in_(chunk), stream_(ZSTD_createDStream()) {
    PODIUM_CHECK(stream_ != nullptr);
  }
  ~Zstd() override { ZSTD_freeDStream(stream_); }
  Zstd(const Zstd&) = delete;
  Zstd& operator=(const Zstd&) = delete;

  std::size_t read(char* to, std::size_t size) override {
    ZSTD_outBuffer out{to, size, 0};
    while (out.pos < out.size) {
      // a frame that is not whole may still have characters to give without more bytes
      if (input_.pos == input_.size && !full_) {
        input_ = {in_.data(),
                  static_cast<std::size_t>(from_.sgetn(in_.data(), static_cast<std::streamsize>(in_.size()))), 0};
        if (input_.size == 0) {
          if (!between_frames_) {
            throw InputError({name_}, "the zstd data end before they are whole: the file was cut short");
          }
          break;
        }
      }
      const std::size_t status = ZSTD_decompressStream(stream_, &out, &input_);
      if (ZSTD_isError(status) != 0) {
        throw InputError({name_}, std::string("the zstd data are damaged: ") + ZSTD_getErrorName(status));
      }
      between_frames_ = status == 0;
      full_ = out.pos == out.size && !between_frames_;
    }
    return out.pos;
  }

 private:
  std::streambuf& from_;
  std::string name_;
  std::vector<char> in_;
  ZSTD_DStream* stream_;
  ZSTD_inBuffer input_{};
  bool between_frames_ = false;
  bool full_ = false;
};

struct Unreadable {
  std::string_view magic;
  std::size_t offset;
  const char* what;
};
constexpr const char* archive = "is an archive of several files; unpack it and name them";
constexpr const char* compression = "is compressed in another way than gzip and zstd; unpack it";
constexpr std::array unreadable{
    Unreadable{"ustar"sv, 257, archive},
    Unreadable{"PK\x03\x04"sv, 0, archive},
    Unreadable{"7z\xBC\xAF\x27\x1C"sv, 0, archive},
    Unreadable{"\xFD"
               "7zXZ\0"sv,
               0, compression},
    Unreadable{"BZh"sv, 0, compression},
};

void refuse_unreadable(std::string_view head, const std::string& name) {
  for (const Unreadable& kind : unreadable) {
    if (head.size() >= kind.offset && head.substr(kind.offset).starts_with(kind.magic)) {
      throw InputError({name}, std::string("this ") + kind.what);
    }
  }
}

std::unique_ptr<Decoder> make_decoder(std::streambuf& raw, const std::string& name) {
  std::array<char, 6> head{};
  const std::streamsize got = raw.sgetn(head.data(), head.size());
  raw.pubseekpos(0, std::ios::in);
  const std::string_view start(head.data(), static_cast<std::size_t>(got));
  if (start.starts_with("\x1F\x8B"sv)) {
    return std::make_unique<Gzip>(raw, name);
  }
  if (start.starts_with("\x28\xB5\x2F\xFD"sv)) {
    return std::make_unique<Zstd>(raw, name);
  }
  return std::make_unique<Plain>(raw);
}

}  // namespace

class InputStream::Buffer final : public std::streambuf {
 public:
  Buffer(std::unique_ptr<std::streambuf> raw, const std::string& name)
      : raw_(std::move(raw)), decoder_(make_decoder(*raw_, name)), characters_(chunk) {
    refill();
    const std::string_view head(gptr(), static_cast<std::size_t>(egptr() - gptr()));
    refuse_unreadable(head, name);
    if (head.starts_with("\xEF\xBB\xBF"sv)) {
      setg(gptr() + 3, gptr() + 3, egptr());
    }
  }
  std::uint64_t offset() const { return before_ + static_cast<std::uint64_t>(gptr() - eback()); }

 protected:
  int_type underflow() override {
    if (gptr() == egptr()) {
      before_ += static_cast<std::uint64_t>(egptr() - eback());
      refill();
    }
    return gptr() == egptr() ? traits_type::eof() : traits_type::to_int_type(*gptr());
  }

 private:
  void refill() {
    char* const begin = characters_.data();
    setg(begin, begin, begin);
    setg(begin, begin, begin + decoder_->read(begin, characters_.size()));
  }

  std::unique_ptr<std::streambuf> raw_;
  std::unique_ptr<Decoder> decoder_;
  std::vector<char> characters_;
  std::uint64_t before_ = 0;  ///< characters before those of the buffer
};

namespace {

std::unique_ptr<std::streambuf> open_raw(const std::string& path, const std::string& what, const Location& where) {
  open_file(path, what, where);  // refuses what is no file
  auto raw = std::make_unique<std::filebuf>();
  if (raw->open(path, std::ios::in | std::ios::binary) == nullptr) {
    throw InputError(where, "cannot read " + what + " '" + path + "'");
  }
  return raw;
}

}  // namespace

InputStream::InputStream(std::unique_ptr<std::streambuf> raw, const std::string& path)
    : std::istream(nullptr), path_(path), buffer_(std::make_unique<Buffer>(std::move(raw), path)) {
  rdbuf(buffer_.get());
  exceptions(std::ios::badbit);  // an InputError of the buffer goes through
}

InputStream::InputStream(const std::string& path, const std::string& what, const Location& where)
    : InputStream(open_raw(path, what, where), path) {}

InputStream InputStream::of_bytes(std::string bytes, const std::string& name) {
  return {std::make_unique<std::stringbuf>(std::move(bytes), std::ios::in), name};
}

InputStream::InputStream(InputStream&& other) noexcept
    : std::istream(std::move(other)), path_(std::move(other.path_)), buffer_(std::move(other.buffer_)) {
  set_rdbuf(buffer_.get());
}

InputStream::~InputStream() = default;

std::uint64_t InputStream::offset() const { return buffer_->offset(); }

}  // namespace podium
