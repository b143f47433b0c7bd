#include "destinations/azure_probe.hpp"

#include <optional>
#include <string>

#include "destinations/azure_answers.hpp"
#include "destinations/azure_request.hpp"
#include "destinations/http_answer.hpp"
#include "destinations/probe_questions.hpp"

namespace relay {
namespace {

struct Look {
  std::string resource;
  AzureRequest request;
  AzureStep step_in_use;  // what a delivery will do there
};

std::vector<Look> looks_of(const AzureStorageQueueSettings& settings) {
  std::vector<Look> looks;
  looks.push_back({"queue " + settings.queue, look_at_queue_request(settings.queue), AzureStep::put_message});
  if (settings.envelope == ReportStreamEnvelope::raw) return looks;
  looks.push_back({"blob container " + settings.blob_container, look_at_container_request(settings.blob_container),
                   AzureStep::put_blob});
  if (!settings.table.empty())
    looks.push_back({"table " + settings.table, look_at_table_request(settings.table), AzureStep::insert_row});
  return looks;
}

// The signature was taken, only this look wasn't: a SAS that may write and not read. No service SAS lets anybody look
// at a container's properties, and Azure calls that AuthorizationFailure.
bool only_looking_is_forbidden(AzureStep step, const std::string& code) {
  return code == "AuthorizationPermissionMismatch" || code == "AuthorizationResourceTypeMismatch" ||
         (code == "AuthorizationFailure" && step == AzureStep::look_at_container);
}

ProbeFinding judge(const Look& look, const TransferResult& answer, const AzureSas* sas, bool create, WallTime now) {
  using Kind = ProbeFinding::Kind;
  const AzureAnswerContext context{look.request.step, look.resource, sas, now};
  const auto* response = std::get_if<HttpClientResponse>(&answer.result);
  if (response == nullptr)
    return {Kind::bad, classify_azure_failure(context, std::get<TransferError>(answer.result)).error->message};
  const AttemptResult result = classify_azure_answer(context, *response);
  if (sas != nullptr) {
    if (const auto late = sas->out_of_time(now)) return {Kind::bad, look.resource + ": " + *late};
    if (const auto missing = sas->missing_right(look.step_in_use)) return {Kind::bad, look.resource + ": " + *missing};
  }
  if (result.outcome == Outcome::accepted) return {Kind::good, look.resource + ": it is there, and the sign-in holds"};
  if (response->status == 404 && create)
    return {Kind::good, look.resource + ": not there yet; create: true will make it"};
  if (sas != nullptr && only_looking_is_forbidden(look.request.step, azure_error_code(*response)))
    return {Kind::not_checked, look.resource +
                                   ": the SAS doesn't let anybody look, so whether it is there shows only "
                                   "when the first submission is sent"};
  return {Kind::bad, result.error->message};
}

}  // namespace

std::vector<ProbeFinding> probe_azure(const AzureAccount& account, const AzureStorageQueueSettings& settings,
                                      const HttpClientOptions& transport, std::chrono::milliseconds timeout,
                                      const Clock& clock) {
  ProbeQuestions asking(transport, timeout, clock);
  std::vector<ProbeFinding> findings;
  for (const Look& look : looks_of(settings)) {
    const TransferResult answer =
        asking.ask(account.signed_request(look.request, clock.wall_now(), timeout, "edge-relay-check"));
    findings.push_back(
        judge(look, answer, account.sas_of(service_of(look.request.step)), settings.create, clock.wall_now()));
  }
  asking.say_clock_and_certificate(findings, "Azure's");
  return findings;
}

}  // namespace relay
