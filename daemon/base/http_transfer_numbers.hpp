// What libcurl has counted and timed of a transfer; 0 where there is nothing yet.
#pragma once

#include <curl/curl.h>

#include <cstdint>

namespace relay {

inline std::int64_t number(CURL* handle, CURLINFO what) {
  curl_off_t value = 0;
  curl_easy_getinfo(handle, what, &value);
  return value;
}

inline long whole_number(CURL* handle, CURLINFO what) {
  long value = 0;
  curl_easy_getinfo(handle, what, &value);
  return value;
}

}  // namespace relay
