#include "journal/row_digest.hpp"

#include <algorithm>
#include <boost/endian/conversion.hpp>
#include <string>

#include "base/digest.hpp"

namespace relay {

namespace {

void add_number(std::string& covered, std::uint64_t number) {
  const std::uint64_t big_endian = boost::endian::native_to_big(number);
  covered.append(reinterpret_cast<const char*>(&big_endian), sizeof big_endian);
}

void add_text(std::string& covered, std::string_view text) {
  add_number(covered, text.size());
  covered += text;
}

template <std::size_t size>
void add_bytes(std::string& covered, const std::array<std::uint8_t, size>& bytes) {
  covered.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

std::string covered_by_digest(const Submission& submission) {
  std::string covered;
  covered.reserve(512);
  covered += "edge-relay row 1\n";
  add_bytes(covered, submission.id.bytes);
  add_bytes(covered, submission.sha256.bytes);
  add_number(covered, submission.size.value);
  add_number(covered, static_cast<std::uint64_t>(submission.accepted_at.time_since_epoch().count()));
  add_number(covered, static_cast<std::uint64_t>(submission.intake));
  add_text(covered, submission.client);
  add_text(covered, submission.content_type);
  add_text(covered, submission.content_type_parameters);
  add_number(covered, submission.payload_name ? 1 : 0);
  if (submission.payload_name) add_text(covered, *submission.payload_name);
  // Before version 8 of the tables there were none.
  if (!submission.query_parameters.empty()) add_text(covered, submission.query_parameters);
  return covered;
}

RowDigest first_half(const Digest& digest) {
  RowDigest half{};
  std::copy_n(digest.bytes.begin(), half.size(), half.begin());
  return half;
}

}  // namespace

RowDigest row_digest(const Submission& submission) {
  return first_half(sha256(covered_by_digest(submission)));
}

RowDigest row_digest(const Submission& submission, const PayloadCipher& cipher) {
  const std::string covered = covered_by_digest(submission);
  const auto keyed = cipher.keyed_hash(covered);
  return first_half(keyed ? *keyed : sha256(covered));
}

bool row_digest_holds(const RowDigest& kept, const Submission& submission, const PayloadCipher& cipher) {
  return kept == row_digest(submission, cipher) || (cipher.seals() && kept == row_digest(submission));
}

}  // namespace relay
