// What must hold whatever the input is. Unlike assert() it is there in every build.
#pragma once

#include <cstdlib>

inline void demand(bool holds) {
  if (!holds) std::abort();
}
