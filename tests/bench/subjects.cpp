#include "bench/subjects.hpp"

#include <array>
#include <memory>
#include <stdexcept>

#include "base/digest.hpp"
#include "base/http_server_parser.hpp"
#include "bench/bench_journal.hpp"
#include "destinations/azure_shared_key.hpp"
#include "destinations/envelope_raw.hpp"
#include "destinations/envelope_reportstream.hpp"
#include "intake/payload_validator.hpp"
#include "intake/submission_json.hpp"
#include "submission/hl7_header_reader.hpp"
#include "submission/mllp_frame.hpp"
#include "support/temporary_folder.hpp"

namespace relay::bench {
namespace {

void require(bool held) {
  if (!held) throw std::logic_error("a benchmark's input isn't taken as it should be: nothing was measured");
}

// A result of 2 kB, in segments as they come.
std::string result_message() {
  std::string text =
      "MSH|^~\\&|LABSYS|TESTLAB^99D0000000^CLIA|RELAY|STATE|20261124180000||ORU^R01^ORU_R01|M1|T|2.5.1\r";
  for (int segment = 1; text.size() < 2000; ++segment)
    text += "OBX|" + std::to_string(segment) + "|CWE|94500-6^SARS-CoV-2 RNA^LN||260415000^Not detected^SCT||||||F\r";
  return text;
}

std::string fhir_line() {
  std::string text = R"({"resourceType":"Bundle","type":"message","entry":[)";
  while (text.size() < 1950) text += R"({"resource":{"resourceType":"Observation","status":"final"}},)";
  text.back() = ']';
  return text + "}\n";
}

Submission submission_of_result() {
  Submission submission;
  submission.id = *Uuid::parse("0193615c-7c00-7000-8000-000000000001");
  submission.client = "lab.default";
  submission.content_type = "application/hl7-v2";
  submission.size = {result_message().size()};
  submission.sha256 = sha256(result_message());
  submission.accepted_at = WallTime(std::chrono::milliseconds(1'790'000'000'000));
  return submission;
}

// A subject without anything to prepare for so many calls.
Subject plain(std::string name, std::size_t calls, std::function<std::function<void()>()> make) {
  return {std::move(name), calls, [make = std::move(make)](std::size_t) { return make(); }};
}

Subject mllp_frame() {
  return plain("mllp_frame", 1000, [] {
    return [stream = mllp_start + result_message() + std::string(mllp_end)] {
      MllpFrameScanner scanner;
      std::string_view input = stream;
      std::size_t ends = 0;
      for (auto step = scanner.next(input); step.kind != MllpFrameScanner::Kind::need_more; step = scanner.next(input))
        ends += step.kind == MllpFrameScanner::Kind::end;
      require(ends == 1 || scanner.at_end_mark());
    };
  });
}

Subject http_head() {
  return plain("http_head", 1000, [] {
    return [section = std::string("POST /v1/submissions HTTP/1.1\r\nHost: 127.0.0.1:8870\r\nUser-Agent: lis/7.4\r\n"
                                  "Accept: */*\r\nContent-Type: application/hl7-v2\r\nRelay-Client: lab.default\r\n"
                                  "Idempotency-Key: \"20261124-000001\"\r\nContent-Length: 2000\r\n\r\n")] {
      HttpHeadScanner scanner;
      require(scanner.scan(section) == HttpHeadScanner::State::complete);
      HttpRequestParser parser;
      require(parser.parse_head(section, {}));
    };
  });
}

// The answer to a sender while the destination is down.
Subject submission_answer() {
  return plain("submission_answer", 1000, [] {
    SubmissionView view;
    view.submission.client = "lab.default";
    view.submission.content_type = "application/hl7-v2";
    view.submission.payload_name = "20261124-000001.hl7";
    view.submission.size = ByteCount{2000};
    DeliveryView delivery;
    delivery.destination = "reportstream";
    delivery.next_attempt_at = WallTime{std::chrono::milliseconds{1'795'543'200'123}};
    delivery.last_error = DeliveryError{ErrorKind::unavailable, 503, "the queue answered 503", {}};
    view.deliveries.push_back(delivery);
    return [view] { require(submission_json(view, {.payload_name = true}).size() > 400); };
  });
}

Subject http_chunks() {
  return plain("http_chunks", 1000, [] {
    std::string body;
    for (int chunk = 0; chunk < 4; ++chunk) body += "1f4\r\n" + std::string(500, 'x') + "\r\n";
    return [body = body + "0\r\n\r\n"] {
      HttpRequestParser parser;
      require(parser.parse_head("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", {}));
      std::string_view rest = body;
      for (;;) {
        const auto chunk = parser.next_chunk(rest);
        if (chunk.state == HttpRequestParser::ChunkState::end) break;
        require(chunk.state == HttpRequestParser::ChunkState::bytes || chunk.consumed > 0);
        rest.remove_prefix(chunk.consumed);
      }
    };
  });
}

Subject validation(std::string name, std::unique_ptr<PayloadValidator> (*make)(), std::string payload) {
  return plain(std::move(name), 1000, [make, payload = std::move(payload)] {
    return [make, payload] {
      const auto validator = make();
      validator->feed(payload);
      validator->finish();
      require(!validator->problem());
    };
  });
}

Subject hl7_header() {
  return plain("hl7_header", 1000, [] {
    return [message = result_message()] {
      Hl7HeaderReader reader;
      reader.feed(message);
      reader.finish();
      require(reader.messages() == 1);
    };
  });
}

Subject shared_key() {
  return plain("shared_key", 1000, [] {
    SharedKeyInput input;
    input.method = "POST";
    input.account = "devstoreaccount1";
    input.url_path = "/devstoreaccount1/results/messages";
    input.query = {{"visibilitytimeout", "0"}, {"messagettl", "-1"}};
    input.headers = {{"x-ms-version", "2021-12-02"},
                     {"Content-Type", "application/xml"},
                     {"x-ms-date", "Tue, 24 Nov 2026 18:00:00 GMT"}};
    input.content_length = 2000;
    return [input = std::move(input), key = std::string(64, 'k')] {
      require(!shared_key_authorization(input, key).empty());
    };
  });
}

Subject reportstream_envelope() {
  return plain("envelope_reportstream", 1000, [] {
    return [submission = submission_of_result()] {
      const auto blob_url = "https://account.blob.core.windows.net/reports/" + reportstream_blob_name(submission);
      require(!reportstream_row(submission, blob_url).empty());
      require(!queue_message_xml(base64_encode(reportstream_message(submission, blob_url, "results"))).empty());
    };
  });
}

Subject raw_envelope() {
  return plain("envelope_raw", 1000, [] {
    return [payload = result_message()] { require(raw_message_xml(payload, RawEncoding::text).ok()); };
  });
}

// One at a time, as a single sender has it: a batch's size would be chance.
class LoneJournal {
 public:
  LoneJournal() : journal_((folder_.path() / "journal.db").string(), {"nowhere"}, 2000, 1) {}
  BenchJournal& journal() { return journal_; }

 private:
  TemporaryFolder folder_;
  BenchJournal journal_;
};

Subject journal_append() {
  return {"journal_append", 300, [](std::size_t) {
            const auto lone = std::make_shared<LoneJournal>();
            lone->journal().append(100);
            return std::function<void()>([lone] { lone->journal().append(1); });
          }};
}

Subject journal_claim_and_settle() {
  return {"journal_claim_and_settle", 300, [](std::size_t calls) {
            const auto lone = std::make_shared<LoneJournal>();
            lone->journal().append(calls);
            return std::function<void()>([lone] {
              const auto claims = lone->journal().claim("nowhere", 1);
              require(claims.size() == 1);
              lone->journal().settle(claims);
            });
          }};
}

}  // namespace

std::vector<Subject> all_subjects() {
  return {mllp_frame(),
          http_head(),
          http_chunks(),
          submission_answer(),
          hl7_header(),
          validation("validate_hl7", make_hl7_validator, result_message()),
          validation("validate_fhir_ndjson", make_fhir_ndjson_validator, fhir_line()),
          shared_key(),
          reportstream_envelope(),
          raw_envelope(),
          journal_append(),
          journal_claim_and_settle()};
}

}  // namespace relay::bench
