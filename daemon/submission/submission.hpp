// Submission: one payload that a client handed over, with its metadata. Fixed at intake; nothing here changes later.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/byte_count.hpp"
#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/uuid.hpp"

namespace relay {

using SubmissionId = Uuid;  // version 7

// The door it came through. The numbers are the journal's (FORMAT.md); never renumber.
enum class Intake : int { http = 1, submit = 2, mllp = 3, folder = 4, azure_storage_queue = 5, import = 6 };
std::string_view intake_name(Intake intake);
std::optional<Intake> parse_intake(std::string_view name);

struct Submission {
  SubmissionId id;
  std::string client;                   // see client_name.hpp
  std::string content_type;             // media type alone, lower case
  std::string content_type_parameters;  // as sent, without the first ';' ("charset=utf-8"); may be empty
  std::optional<std::string> payload_name;
  Intake intake = Intake::http;
  ByteCount size;
  Digest sha256;
  WallTime accepted_at{};
  // What a sender that was written for ReportStream asked for in its query, for a destination to pass on:
  // application/x-www-form-urlencoded ("processing=async&allowDuplicate=true"); mostly empty.
  std::string query_parameters{};
};

}  // namespace relay
