#pragma once

#include <string_view>
#include <vector>

#include "sim/core/check.h"
#include "sim/core/units.h"

namespace podium {

/// Number formats of weights, activations and caches.
enum class DataType { fp32, tf32, bf16, fp16, fp8, fp8_block, int8, w8a8, nvfp4, mxfp4 };

/// Storage of one element, block scales included (nvfp4: 4 bits and an 8-bit scale per 16; mxfp4 and fp8_block per 32
/// and per 128).
Bytes size_of(DataType);
std::string_view to_string(DataType);
/// Accepts the names found in the wild (bfloat16, half, float16, e4m3, w8a8_dynamic …); others are an InputError.
DataType parse_data_type(std::string_view name, const Location& where = {});
std::vector<DataType> all_data_types();

}  // namespace podium
