#pragma once

#include <string>

#include "sim/core/check.h"

namespace podium::test {

/// The message of the InputError that a call throws, or "nothing thrown".
template <class Call>
std::string error_of(Call call) {
  try {
    call();
  } catch (const InputError& error) {
    return error.what();
  }
  return "nothing thrown";
}

}  // namespace podium::test
