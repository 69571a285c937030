#include "sim/hardware/data_type.h"

#include <algorithm>
#include <cctype>
#include <string>

namespace podium {
namespace {

struct Format {
  DataType type;
  std::string_view name;
  double bytes;
  DataType multiplied_as;  ///< the format whose peak a product runs at
  std::vector<std::string_view> aliases;
};

const std::vector<Format>& formats() {
  static const std::vector<Format> all{
      {DataType::fp32, "fp32", 4, DataType::fp32, {"float32", "float", "f32"}},
      {DataType::tf32, "tf32", 4, DataType::tf32, {"tensorfloat32"}},
      {DataType::bf16, "bf16", 2, DataType::bf16, {"bfloat16"}},
      {DataType::fp16, "fp16", 2, DataType::fp16, {"float16", "half", "f16"}},
      {DataType::fp8, "fp8", 1, DataType::fp8, {"float8", "e4m3", "fp8_e4m3", "float8_e4m3fn", "e5m2", "hif8"}},
      {DataType::fp8_block, "fp8_block", 1 + 4.0 / (128 * 128), DataType::fp8, {"fp8_blockwise", "fp8_block_scaled"}},
      {DataType::mxfp8, "mxfp8", 1 + 1.0 / 32, DataType::mxfp8, {"mxfp8_e4m3"}},
      {DataType::int8, "int8", 1, DataType::int8, {"i8"}},
      {DataType::w8a8, "w8a8", 1, DataType::int8, {"w8a8_dynamic", "int8_w8a8"}},
      {DataType::nvfp4, "nvfp4", 0.5 + 1.0 / 16, DataType::nvfp4, {"fp4"}},
      {DataType::mxfp4, "mxfp4", 0.5 + 1.0 / 32, DataType::mxfp4, {}},
  };
  return all;
}

const Format& format_of(DataType type) {
  const auto found =
      std::find_if(formats().begin(), formats().end(), [type](const Format& format) { return format.type == type; });
  PODIUM_CHECK(found != formats().end(), "every data type has a row in the table");
  return *found;
}

}  // namespace

Bytes size_of(DataType type) { return Bytes(format_of(type).bytes); }

Bytes token_size(DataType type, double elements) {
  switch (type) {
    case DataType::int8:
    case DataType::w8a8:
      return elements * size_of(type) + Bytes(512);
    case DataType::fp8_block:
      return Bytes(elements * (1 + 4.0 / 128));
    default:
      return elements * size_of(type);
  }
}

std::string_view to_string(DataType type) { return format_of(type).name; }
DataType multiplied_as(DataType type) { return format_of(type).multiplied_as; }

DataType parse_data_type(std::string_view name, const Location& where) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::vector<std::string> known;
  for (const Format& format : formats()) {
    if (lower == format.name ||
        std::find(format.aliases.begin(), format.aliases.end(), lower) != format.aliases.end()) {
      return format.type;
    }
    known.emplace_back(format.name);
  }
  throw InputError(where, unknown_name("data type", name, known));
}

std::vector<DataType> all_data_types() {
  std::vector<DataType> types;
  for (const Format& format : formats()) {
    types.push_back(format.type);
  }
  return types;
}

}  // namespace podium
