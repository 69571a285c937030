#pragma once

#include <string_view>
#include <vector>

#include "sim/core/check.h"
#include "sim/core/units.h"

namespace podium {

/// Number formats of weights, activations and caches.
enum class DataType { fp32, tf32, bf16, fp16, fp8, fp8_block, mxfp8, int8, w8a8, nvfp4, mxfp4 };

/// Storage of one element, block scales included. nvfp4: an 8-bit scale per 16 elements. mxfp8 and mxfp4: one per 32
/// (OCP Microscaling Formats 1.0). fp8_block: a 32-bit scale per 128 x 128 weights (DeepSeek-V3, arXiv 2412.19437,
/// section 3.3). The scales of int8 and w8a8, one a row or a column, are not counted.
Bytes size_of(DataType);
/// A token of so many elements on its way to experts, with the scales that go with it: int8 and w8a8 in a block of 512
/// bytes with other data (CloudMatrix, arXiv 2506.12708, section 4.2: 7 KB + 512 B); fp8_block with a 32-bit scale per
/// 128 elements (DeepEP); others have them in their size.
Bytes token_size(DataType, double elements);
std::string_view to_string(DataType);
/// The format whose peak a product runs at: fp8_block multiplies as fp8, w8a8 as int8, any other as itself.
DataType multiplied_as(DataType);
/// Accepts the names found in the wild (bfloat16, half, float16, e4m3, w8a8_dynamic …), in any case; others are an
/// InputError.
DataType parse_data_type(std::string_view name, const Location& where = {});
std::vector<DataType> all_data_types();

}  // namespace podium
