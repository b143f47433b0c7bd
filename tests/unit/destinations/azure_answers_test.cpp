#include "destinations/azure_answers.hpp"

#include <gtest/gtest.h>

#include <random>

namespace relay {
namespace {

using namespace std::chrono_literals;

const WallTime now = parse_rfc3339("2026-11-24T18:00:00Z").value();

HttpClientResponse answer(unsigned status, std::string code = {}, std::string body = {}) {
  HttpClientResponse response;
  response.status = status;
  response.headers = {{"date", format_http_date(now)}};
  if (!code.empty()) response.headers.emplace_back("x-ms-error-code", code);
  response.body = std::move(body);
  return response;
}

AttemptResult classify(AzureStep step, const HttpClientResponse& response, const AzureSas* sas = nullptr) {
  return classify_azure_answer({step, "queue elr", sas, now}, response);
}

TEST(AzureAnswers, OnlyTheStepsOwnAnswerIsSuccess) {
  const std::string message = "<QueueMessagesList><QueueMessage><MessageId>5f24978e</MessageId></QueueMessage>";
  const std::string page = "<html><MessageId>5f24978e</MessageId></html>";
  struct Case {
    AzureStep step;
    HttpClientResponse response;
    bool done;
  };
  const Case cases[] = {
      {AzureStep::put_message, answer(201, "", message), true},
      {AzureStep::put_message, answer(200, "", message), false},
      {AzureStep::put_message, answer(201), false},
      {AzureStep::put_message, answer(201, "", page), false},
      {AzureStep::put_message, answer(204), false},
      {AzureStep::put_blob, answer(201), true},
      {AzureStep::put_blob, answer(200), false},
      {AzureStep::put_blob, answer(201, "", page), false},
      {AzureStep::put_blob, answer(201, "", "ok"), false},
      {AzureStep::insert_row, answer(204), true},
      {AzureStep::insert_row, answer(201, "", R"({"PartitionKey":"x"})"), true},
      {AzureStep::insert_row, answer(200, "", "{}"), false},
      {AzureStep::insert_row, answer(409, "EntityAlreadyExists"), true},
      {AzureStep::put_blob, answer(409, "EntityAlreadyExists"), false},
      {AzureStep::create_queue, answer(201), true},
      {AzureStep::create_queue, answer(204), true},
      {AzureStep::create_queue, answer(409, "QueueAlreadyExists"), true},
      {AzureStep::create_container, answer(409, "ContainerAlreadyExists"), true},
      {AzureStep::create_table, answer(409, "TableAlreadyExists"), true},
      {AzureStep::create_table, answer(409, "TableBeingDeleted"), false},
  };
  for (const auto& [step, response, done] : cases) {
    const auto result = classify(step, response);
    EXPECT_EQ(result.outcome == Outcome::accepted, done) << static_cast<int>(step) << " " << response.status;
    if (!done && response.status < 300) {
      EXPECT_EQ(result.outcome, Outcome::broken);
      EXPECT_EQ(result.error->kind, ErrorKind::unexpected_answer);
    }
  }
}

TEST(AzureAnswers, EveryOtherAnswerHasItsPlaceInTheTable) {
  struct Case {
    unsigned status;
    const char* code;
    Outcome outcome;
    ErrorKind kind;
  };
  const Case cases[] = {
      {302, "", Outcome::broken, ErrorKind::redirect},
      {307, "", Outcome::broken, ErrorKind::redirect},
      {400, "MessageTooLarge", Outcome::refused, ErrorKind::too_large},
      {400, "RequestBodyTooLarge", Outcome::refused, ErrorKind::too_large},
      {400, "InvalidXmlDocument", Outcome::refused, ErrorKind::refused},
      {400, "OutOfRangeInput", Outcome::broken, ErrorKind::unexpected_answer},
      {400, "", Outcome::broken, ErrorKind::unexpected_answer},
      {401, "InvalidAuthenticationInfo", Outcome::broken, ErrorKind::sign_in},
      {403, "AuthenticationFailed", Outcome::broken, ErrorKind::sign_in},
      {403, "AuthorizationFailure", Outcome::broken, ErrorKind::forbidden},
      {403, "AuthorizationPermissionMismatch", Outcome::broken, ErrorKind::forbidden},
      {403, "AccountIsDisabled", Outcome::broken, ErrorKind::forbidden},
      {404, "QueueNotFound", Outcome::broken, ErrorKind::not_found},
      {404, "ContainerNotFound", Outcome::broken, ErrorKind::not_found},
      {404, "TableNotFound", Outcome::broken, ErrorKind::not_found},
      {404, "", Outcome::broken, ErrorKind::not_found},
      {408, "", Outcome::try_later, ErrorKind::timeout},
      {409, "QueueBeingDeleted", Outcome::broken, ErrorKind::not_found},
      {409, "QueueDisabled", Outcome::broken, ErrorKind::forbidden},
      {409, "SomethingElse", Outcome::broken, ErrorKind::unexpected_answer},
      {410, "", Outcome::broken, ErrorKind::gone},
      {413, "RequestBodyTooLarge", Outcome::refused, ErrorKind::too_large},
      {413, "", Outcome::refused, ErrorKind::too_large},
      {418, "", Outcome::broken, ErrorKind::unexpected_answer},
      {429, "TooManyRequests", Outcome::try_later, ErrorKind::throttled},
      {500, "InternalError", Outcome::try_later, ErrorKind::unavailable},
      {500, "OperationTimedOut", Outcome::try_later, ErrorKind::unavailable},
      {502, "", Outcome::try_later, ErrorKind::unavailable},
      {503, "ServerBusy", Outcome::try_later, ErrorKind::unavailable},
      {511, "", Outcome::broken, ErrorKind::proxy},
      {100, "", Outcome::broken, ErrorKind::unexpected_answer},
      {999, "", Outcome::broken, ErrorKind::unexpected_answer},
  };
  for (const auto& [status, code, outcome, kind] : cases) {
    const auto result = classify(AzureStep::put_message, answer(status, code));
    EXPECT_EQ(result.outcome, outcome) << status << code;
    EXPECT_EQ(result.error->kind, kind) << status << code;
    EXPECT_EQ(result.error->status, static_cast<int>(status));
    EXPECT_NE(result.error->message.find("queue elr: HTTP " + std::to_string(status)), std::string::npos);
    EXPECT_NE(result.error->message.find(code), std::string::npos);
    EXPECT_FALSE(result.possibly_delivered);
  }
}

TEST(AzureAnswers, AWebPageIsNamedAsSuch) {
  for (const unsigned status : {200U, 400U, 401U, 403U, 404U}) {
    const auto result = classify(AzureStep::put_message, answer(status, "", " \n<!DOCTYPE HTML><p>Welcome"));
    EXPECT_EQ(result.outcome, Outcome::broken);
    EXPECT_EQ(result.error->kind, ErrorKind::unexpected_answer) << status;
    EXPECT_NE(result.error->message.find("web page"), std::string::npos);
  }
  EXPECT_EQ(classify(AzureStep::put_message, answer(503, "", "<html>busy</html>")).outcome, Outcome::try_later);
}

TEST(AzureAnswers, AClockThatIsOffIsNamedBeforeTheKeyIsBlamed) {
  for (const auto& [theirs, words] : {std::pair{now - 2h, "clock is off by 2h: this machine is ahead of"},
                                      {now + 40min, "clock is off by 40m: this machine is behind"}}) {
    HttpClientResponse response = answer(403, "AuthenticationFailed");
    response.headers[0].second = format_http_date(theirs);
    const auto result = classify(AzureStep::put_message, response);
    EXPECT_EQ(result.outcome, Outcome::broken);
    EXPECT_EQ(result.error->kind, ErrorKind::clock);
    EXPECT_NE(result.error->message.find(words), std::string::npos) << result.error->message;
  }
  HttpClientResponse near = answer(403, "AuthenticationFailed");
  near.headers[0].second = format_http_date(now - 14min);
  EXPECT_EQ(classify(AzureStep::put_message, near).error->kind, ErrorKind::sign_in);
  HttpClientResponse throttled = answer(429);
  throttled.headers[0].second = format_http_date(now - 2h);
  EXPECT_EQ(classify(AzureStep::put_message, throttled).outcome, Outcome::try_later);
}

TEST(AzureAnswers, ASasThatIsOutOfTimeOrLacksARightIsNamed) {
  const AzureSas expired("se=2026-11-24T17:59:00Z&sp=a");
  auto result = classify(AzureStep::put_message, answer(403, "AuthenticationFailed"), &expired);
  EXPECT_EQ(result.error->kind, ErrorKind::sign_in);
  EXPECT_NE(result.error->message.find("expired at 2026-11-24T17:59:00"), std::string::npos);
  const AzureSas reading("sp=r");
  result = classify(AzureStep::put_message, answer(403, "AuthorizationPermissionMismatch"), &reading);
  EXPECT_EQ(result.error->kind, ErrorKind::forbidden);
  EXPECT_NE(result.error->message.find("add (a) queue messages"), std::string::npos);
}

TEST(AzureAnswers, RetryAfterIsTakenInBothFormsAndBounded) {
  const auto wait = [](unsigned status, const std::string& value) {
    HttpClientResponse response = answer(status);
    response.headers.emplace_back("retry-after", value);
    return classify(AzureStep::put_message, response).retry_after;
  };
  EXPECT_EQ(wait(503, "7"), 7s);
  EXPECT_EQ(wait(429, "0"), 0s);
  EXPECT_EQ(wait(503, format_http_date(now + 90s)), 90s);
  EXPECT_EQ(wait(503, format_http_date(now - 90s)), 0s);
  EXPECT_EQ(wait(503, "99999999999999999999"), 24h);
  EXPECT_FALSE(wait(503, "soon"));
  EXPECT_FALSE(wait(503, "-1"));
  EXPECT_FALSE(wait(404, "7"));
}

TEST(AzureAnswers, TheErrorCodeIsFoundWhereverItStands) {
  const auto code_of = [](std::string body) { return azure_error_code(answer(400, "", std::move(body))); };
  EXPECT_EQ(azure_error_code(answer(404, "QueueNotFound", "<Code>Other</Code>")), "QueueNotFound");
  EXPECT_EQ(code_of("\xEF\xBB\xBF<?xml version=\"1.0\"?><Error><Code>MessageTooLarge</Code></Error>"),
            "MessageTooLarge");
  EXPECT_EQ(code_of(R"({"odata.error":{"code" : "TableNotFound","message":{}}})"), "TableNotFound");
  EXPECT_EQ(code_of("<Code>with space</Code>"), "");
  EXPECT_EQ(code_of("<Code>" + std::string(65, 'A') + "</Code>"), "");
  EXPECT_EQ(code_of("<Code>Cut"), "");
  EXPECT_EQ(code_of("{\"code\":\"Cut"), "Cut");
  EXPECT_EQ(code_of("{\"code\":"), "");
  EXPECT_EQ(code_of("\"code\":\"NoObject\""), "");
}

TEST(AzureAnswers, AnyBytesAreSafeToRead) {
  std::mt19937 random(20261124);
  const std::string pieces[] = {"<Code>", "</Code>", "<MessageId>", "</",   "\"code\"", ":",
                                "\"",     "{",       "<html",       "sig=", "\xFF"};
  for (int round = 0; round < 20'000; ++round) {
    std::string body;
    for (auto count = random() % 12; count > 0; --count)
      body += random() % 2 == 0 ? pieces[random() % std::size(pieces)]
                                : std::string(random() % 90, static_cast<char>(random()));
    const auto response = answer(static_cast<unsigned>(201 + random() % 400), "", body);
    const auto result = classify(AzureStep::put_message, response);
    EXPECT_EQ(result.outcome == Outcome::accepted, !result.error.has_value());
  }
}

TEST(AzureAnswers, RemoteTextIsKeptShortAndWithoutASignature) {
  const std::string body = "<p>http://acct/q?sv=1&sig=abc%3D&se=2</p>" + std::string(10'000, 'x');
  const auto result = classify(AzureStep::put_message, answer(500, "", body));
  EXPECT_LE(result.error->remote_text.size(), 4096U);
  EXPECT_EQ(result.error->remote_text.find("abc"), std::string::npos);
  EXPECT_NE(result.error->remote_text.find("sig=...&se=2"), std::string::npos);
  EXPECT_EQ(result.error->message.find("acct"), std::string::npos);
}

TEST(AzureAnswers, NoAnswerIsUnknownOnlyAfterTheWholeRequestWentOut) {
  struct Case {
    TransferFailure failure;
    bool sent;
    Outcome outcome;
    ErrorKind kind;
  };
  const Case cases[] = {
      {TransferFailure::dns, false, Outcome::broken, ErrorKind::dns},
      {TransferFailure::unreachable, false, Outcome::broken, ErrorKind::unreachable},
      {TransferFailure::tls, false, Outcome::broken, ErrorKind::tls},
      {TransferFailure::proxy, false, Outcome::broken, ErrorKind::proxy},
      {TransferFailure::timeout, false, Outcome::broken, ErrorKind::timeout},
      {TransferFailure::timeout, true, Outcome::unknown, ErrorKind::timeout},
      {TransferFailure::reset, false, Outcome::broken, ErrorKind::unreachable},
      {TransferFailure::reset, true, Outcome::unknown, ErrorKind::unreachable},
      {TransferFailure::body_failed, false, Outcome::try_later, ErrorKind::unavailable},
  };
  for (const auto& [failure, sent, outcome, kind] : cases)
    for (const AzureStep step : {AzureStep::put_blob, AzureStep::insert_row, AzureStep::put_message}) {
      const auto result = classify_azure_failure({step, "queue elr", nullptr, now}, {failure, sent, "why"});
      EXPECT_EQ(result.outcome, outcome);
      EXPECT_EQ(result.error->kind, kind);
      EXPECT_EQ(result.possibly_delivered, outcome == Outcome::unknown && step == AzureStep::put_message);
    }
}

}  // namespace
}  // namespace relay
