#pragma once

#include <fstream>
#include <string>

#include "sim/core/check.h"

namespace podium {

/// Opens a regular file to be read from its first character on; a UTF-8 byte-order mark is no character. What cannot be
/// read, a folder, and what may have no end (a device, a pipe) are an InputError at `where` on `what`, "the YAML file".
std::ifstream open_file(const std::string& path, const std::string& what, const Location& where = {});

}  // namespace podium
