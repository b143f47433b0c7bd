#include "destinations/s3_probe.hpp"

#include "destinations/http_answer.hpp"
#include "destinations/probe_questions.hpp"
#include "destinations/s3_answers.hpp"

namespace relay {

using Kind = ProbeFinding::Kind;

namespace {

std::vector<ProbeFinding> look(ProbeQuestions& asking, const S3Requests& requests, const std::string& bucket,
                               const Clock& clock) {
  const TransferResult answer = asking.ask(requests.look());
  const S3AnswerContext context{bucket, clock.wall_now()};
  const auto* response = std::get_if<HttpClientResponse>(&answer.result);
  if (response == nullptr)
    return {{Kind::bad, classify_s3_failure(context, std::get<TransferError>(answer.result)).error->message}};
  const std::string code = s3_error_code(*response);
  const std::string where = "bucket " + bucket + ": ";
  const bool there = code == "NoSuchKey" || response->status == 200;
  const AttemptResult result = classify_s3_answer(context, *response);
  if (const auto off = asking.clock_off()) return {{Kind::bad, clock_words(*off, "the service's")}};
  if (code == "AccessDenied" && result.error && result.error->kind == ErrorKind::forbidden)
    return {{Kind::not_checked, where + "the sign-in holds, but this key may not look there (s3:GetObject and "
                                        "s3:ListBucket); whether it may write shows only when the first submission is "
                                        "sent"}};
  if (!there || (result.error && is_web_page(*response)))
    return {{Kind::bad, result.error ? result.error->message : where + "this isn't the answer of such a service"}};
  return {{Kind::good, where + "it is there, and the sign-in holds"},
          {Kind::not_checked, where + "whether the key may write shows only when the first submission is sent"}};
}

}  // namespace

std::vector<ProbeFinding> probe_s3(const S3Requests& requests, const std::string& bucket,
                                   const HttpClientOptions& transport, std::chrono::milliseconds timeout,
                                   const Clock& clock) {
  ProbeQuestions asking(transport, timeout, clock);
  auto findings = look(asking, requests, bucket, clock);
  if (const auto certificate = asking.certificate()) findings.push_back(*certificate);
  return findings;
}

}  // namespace relay
