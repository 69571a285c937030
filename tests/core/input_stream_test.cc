#include "sim/core/input_stream.h"

#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/core/error_of.h"

namespace podium::test {
namespace {

std::string gzipped(const std::string& text) {
  std::string out(compressBound(static_cast<uLong>(text.size())) + 64, '\0');
  z_stream stream{};
  constexpr int gzip_header = 16;
  deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, MAX_WBITS + gzip_header, 8, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string zstandard(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 1));
  return out;
}

std::string all_of(InputStream stream) { return {std::istreambuf_iterator<char>(stream), {}}; }

std::string read(const std::string& bytes) { return all_of(InputStream::of_bytes(bytes, "trace")); }

/// Some text that takes several buffers and does not compress to nothing.
std::string long_text() {
  std::string text;
  for (std::uint32_t i = 0, x = 1; i < 100'000; ++i, x = x * 1664525 + 1013904223) {
    text += std::to_string(x >> 20) + "\n";
  }
  return text;
}

TEST(InputStream, GivesTheSameCharactersPlainGzippedAndAsZstandard) {
  for (const std::string& text : {std::string(), std::string("a"), std::string("two\nlines\n"), long_text()}) {
    EXPECT_EQ(read(text), text);
    EXPECT_EQ(read(gzipped(text)), text);
    EXPECT_EQ(read(zstandard(text)), text);
  }
}

TEST(InputStream, ReadsCompressedFilesInARowAsOne) {
  EXPECT_EQ(read(gzipped("one ") + gzipped("two")), "one two");
  EXPECT_EQ(read(zstandard("one ") + zstandard("two")), "one two");
}

TEST(InputStream, SaysThatCompressedDataAreCutShort) {
  const std::string text = long_text();
  for (const std::size_t cut : {std::size_t{1}, std::size_t{9}, std::size_t{1000}}) {
    std::string gzip = gzipped(text);
    std::string zstd = zstandard(text);
    gzip.resize(gzip.size() - cut);
    zstd.resize(zstd.size() - cut);
    EXPECT_EQ(error_of([&] { read(gzip); }), "trace: the gzip data end before they are whole: the file was cut short");
    EXPECT_EQ(error_of([&] { read(zstd); }), "trace: the zstd data end before they are whole: the file was cut short");
  }
}

TEST(InputStream, SaysThatCompressedDataAreDamaged) {
  std::string bytes = gzipped(long_text());
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0x5A);
  EXPECT_NE(error_of([&] { read(bytes); }).find("trace: the gzip data are damaged"), std::string::npos);
}

TEST(InputStream, LetsGetlineThrowTheInputError) {
  std::string bytes = gzipped(long_text());
  bytes.resize(bytes.size() - 100);
  InputStream stream = InputStream::of_bytes(bytes, "trace");
  EXPECT_THROW(
      {
        for (std::string line; std::getline(stream, line);) {
        }
      },
      InputError);
}

TEST(InputStream, RefusesArchivesPackedOrNot) {
  const std::string tar = std::string(257, 'x') + "ustar  " + std::string(300, '\0');
  const std::string why = "trace: this is an archive of several files; unpack it and name them";
  EXPECT_EQ(error_of([&] { read(tar); }), why);
  EXPECT_EQ(error_of([&] { read(gzipped(tar)); }), why);
  EXPECT_EQ(error_of([] { read("BZh91AY"); }),
            "trace: this is compressed in another way than gzip and zstd; unpack it");
}

TEST(InputStream, CountsTheCharactersThatWereTaken) {
  const std::string text = long_text();
  InputStream stream = InputStream::of_bytes(gzipped(text), "trace");
  std::string line;
  std::uint64_t taken = 0;
  while (std::getline(stream, line) && taken < text.size() - 100) {
    taken += line.size() + 1;
    ASSERT_EQ(stream.offset(), taken);
  }
}

TEST(InputStream, ReadsAFileFromTheFirstCharacterWhichAByteOrderMarkIsNot) {
  const std::string path = std::filesystem::temp_directory_path() / ("podium_stream_" + std::to_string(::getpid()));
  std::ofstream(path, std::ios::binary) << gzipped("\xEF\xBB\xBFtext");
  EXPECT_EQ(all_of(InputStream(path)), "text");
  std::filesystem::remove(path);
  EXPECT_EQ(error_of([&] { InputStream(path, "the trace"); }),
            "cannot read the trace '" + path + "': No such file or directory");
}

}  // namespace
}  // namespace podium::test
