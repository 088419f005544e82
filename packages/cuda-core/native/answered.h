#pragma once

#include <optional>
#include <string>

#include "nvml_types.h"

/** Whether NVML has the function and answers it. */
template <typename Function, typename... Arguments> bool answered(Function *function, Arguments... arguments) {
  return function && function(arguments...) == NVML_SUCCESS;
}

/** The number that a function fills in behind these arguments. */
template <typename Result, typename Function, typename... Arguments>
std::optional<Result> number(Function *function, Arguments... arguments) {
  Result value = {};
  if (!answered(function, arguments..., &value)) return std::nullopt;
  return value;
}

/** What a text function says; empty text counts as nothing. */
template <typename Function, typename... Arguments>
std::optional<std::string> text(Function *function, Arguments... arguments) {
  char buffer[kNvmlTextBytes] = {};
  if (!answered(function, arguments..., buffer, kNvmlTextBytes)) return std::nullopt;
  buffer[kNvmlTextBytes - 1] = 0;
  if (buffer[0] == 0) return std::nullopt;
  return std::string(buffer);
}
