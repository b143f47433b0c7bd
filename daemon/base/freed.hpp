// Freed: what std::unique_ptr calls to free a C library's handle.
#pragma once

namespace relay {

template <auto free_function>
struct Freed {
  template <class Handle>
  void operator()(Handle* handle) const {
    free_function(handle);
  }
};

}  // namespace relay
