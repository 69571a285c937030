#pragma once

#include <string>

#include "sim/workload/model.h"

namespace podium {

/// Whether a file holds a JSON object, as Hugging Face's config.json does.
bool is_hf_config(const std::string& path);

/// A model from the config.json that its publisher keeps at Hugging Face: the families llama, mistral, mixtral, qwen2,
/// qwen3, qwen3_moe, deepseek_v3, kimi_k2 and llama4 (the text model). An unknown family, a key that is missing or not
/// a count, and what Podium does not model are an InputError that names the key. Every value that was used is a figure
/// whose source is the file.
ModelSpec load_hf_model(const std::string& path, const std::string& name);

}  // namespace podium
