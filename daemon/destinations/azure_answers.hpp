// What an answer of Azure Storage means for a delivery: the classifier. Sources: "Common REST API error codes", "Queue
// Storage", "Blob Storage" and "Table Storage error codes" (learn.microsoft.com/rest/api/storageservices).
//
// | answer                                                     | outcome, kind                                        |
// | ---------------------------------------------------------- | ---------------------------------------------------- |
// | Put Blob: 201 without a body                               | accepted: the step is done                           |
// | Insert Entity: 204, 201 with JSON; 409 EntityAlreadyExists | accepted                                             |
// | Put Message: 201 with a MessageId in XML                   | accepted                                             |
// | creating: 201, 204; 409 …AlreadyExists                     | accepted                                             |
// | any other 2xx (a captive portal answers 200 with HTML)     | broken, unexpected_answer                            |
// | 3xx (never followed)                                       | broken, redirect                                     |
// | 400 MessageTooLarge, RequestBodyTooLarge; any 413          | refused, too_large                                   |
// | 400 InvalidXmlDocument at Put Message                      | refused: this text can't be carried                  |
// | 401, 403 AuthenticationFailed; 403 with a SAS out of time  | broken, sign_in                                      |
// | the same with a Date more than 15 minutes from our clock   | broken, clock                                        |
// | any other 403                                              | broken, forbidden                                    |
// | 404, 409 …BeingDeleted                                     | broken, not_found                                    |
// | 409 QueueDisabled, ContainerDisabled                       | broken, forbidden                                    |
// | 410                                                        | broken, gone                                         |
// | 408                                                        | try later, timeout                                   |
// | 429                                                        | try later, throttled                                 |
// | 511 (a portal wants a sign-in)                             | broken, proxy                                        |
// | 5xx                                                        | try later, unavailable                               |
// | a web page (HTML) as 400, 401, 403 or 404                  | broken, unexpected_answer                            |
// | everything else                                            | broken, unexpected_answer                            |
//
// No answer at all: before the whole request went out broken (unreachable, dns, tls, proxy, timeout); after it unknown,
// and possibly delivered only at Put Message, since blob and row of a repeat are the same blob and row.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/clock_agreement.hpp"
#include "base/http_client.hpp"
#include "destinations/azure_request.hpp"
#include "destinations/azure_sas.hpp"
#include "destinations/http_answer.hpp"
#include "destinations/xml_answer.hpp"
#include "submission/outcome.hpp"

namespace relay {

struct AzureAnswerContext {
  AzureStep step = AzureStep::put_message;
  std::string resource;           // names it in messages: "queue results", "container reports"
  const AzureSas* sas = nullptr;  // what the request was sent with; nothing: SharedKey
  WallTime now{};
};

// For accepted Put Message the receipt holds message_id, insertion_time, expiration_time.
AttemptResult classify_azure_answer(const AzureAnswerContext& context, const HttpClientResponse& response);
// All failures but body_failed, which only the payload's reader can tell apart.
AttemptResult classify_azure_failure(const AzureAnswerContext& context, const TransferError& failure);

// The error code of an answer: x-ms-error-code, else <Code> of an XML body, else "code" of a JSON body. At most 64
// letters and digits; empty where there is none. Takes any bytes.
std::string azure_error_code(const HttpClientResponse& response);

}  // namespace relay
