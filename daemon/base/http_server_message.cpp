#include "base/http_server_message.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/http_text.hpp"

namespace relay {
namespace {

std::string_view reason_phrase(unsigned status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    default:
      return "";  // the phrase may be empty (RFC 9112 section 4)
  }
}

// No function: this is called for every byte.
constexpr auto is_control_character = [](char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 || byte == 0x7f) && c != '\t';
};

void append_field(std::string& head, std::string_view name, std::string_view value) {
  head.append(name).append(": ");
  // Nobody's text may end the line, or the head.
  if (std::none_of(value.begin(), value.end(), is_control_character)) {
    head.append(value);
  } else {
    std::remove_copy_if(value.begin(), value.end(), std::back_inserter(head), is_control_character);
  }
  head.append("\r\n");
}

}  // namespace

std::optional<std::string_view> HttpRequestHead::field(std::string_view name) const {
  for (const HttpField& field : fields) {
    if (equal_ignoring_case(field.name, name)) return field.value;
  }
  return std::nullopt;
}

std::vector<std::string_view> HttpRequestHead::all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const HttpField& field : fields) {
    if (equal_ignoring_case(field.name, name)) values.push_back(field.value);
  }
  return values;
}

std::optional<std::string> HttpRequestHead::query_parameter(std::string_view name) const {
  std::string_view rest = query;
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    const std::size_t equals = pair.find('=');
    const auto key = form_decoded(pair.substr(0, equals));
    if (!key || *key != name) continue;
    return form_decoded(equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1));
  }
  return std::nullopt;
}

std::string response_head(const HttpResponse& response, bool keep_alive, bool http_1_0, WallTime now) {
  std::string head;
  head.reserve(512);
  head.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ");
  head.append(reason_phrase(response.status)).append("\r\n");
  append_field(head, "Date", format_http_date(now));
  append_field(head, "Server", "edge-relay");
  for (const HttpField& field : response.fields) append_field(head, field.name, field.value);
  if (response.pieces) {
    if (!http_1_0) append_field(head, "Transfer-Encoding", "chunked");
  } else if (response.status != 204) {
    append_field(head, "Content-Length", std::to_string(response.body.size()));
  }
  // Persistence is HTTP/1.1's default and has to be said to an HTTP/1.0 client.
  if (!keep_alive) append_field(head, "Connection", "close");
  if (keep_alive && http_1_0) append_field(head, "Connection", "keep-alive");
  head.append("\r\n");
  return head;
}

std::string chunk_of(std::string_view bytes) {
  std::string chunk = fmt::format("{:x}\r\n", bytes.size());
  chunk.append(bytes).append("\r\n");
  return chunk;
}

}  // namespace relay
