// The table of answers of destination `http`, line by line.
#include "destinations/http_endpoint_answers.hpp"

#include <gtest/gtest.h>

namespace relay {
namespace {

using namespace std::chrono_literals;

HttpClientResponse response(unsigned status, std::string body = "{}", std::string type = "application/json") {
  HttpClientResponse made;
  made.status = status;
  made.headers = {{"content-type", std::move(type)}};
  made.body = std::move(body);
  return made;
}

AttemptResult classify(const HttpClientResponse& answer, const HttpSettings& settings = {}) {
  AttemptResult result = classify_http_endpoint_answer(settings, answer, WallTime{});
  EXPECT_EQ(result.error.has_value(), result.outcome != Outcome::accepted);
  EXPECT_EQ(result.possibly_delivered, result.outcome == Outcome::unknown);
  return result;
}

TEST(HttpEndpointAnswers, EachStatusMeansOneThing) {
  struct Row {
    unsigned status;
    Outcome outcome;
    ErrorKind kind;
  };
  const Row rows[] = {{203, Outcome::broken, ErrorKind::unexpected_answer},
                      {301, Outcome::broken, ErrorKind::redirect},
                      {302, Outcome::broken, ErrorKind::redirect},
                      {400, Outcome::refused, ErrorKind::refused},
                      {401, Outcome::broken, ErrorKind::sign_in},
                      {403, Outcome::broken, ErrorKind::forbidden},
                      {404, Outcome::broken, ErrorKind::not_found},
                      {407, Outcome::broken, ErrorKind::proxy},
                      {408, Outcome::unknown, ErrorKind::timeout},
                      {409, Outcome::try_later, ErrorKind::unavailable},
                      {410, Outcome::broken, ErrorKind::gone},
                      {413, Outcome::refused, ErrorKind::too_large},
                      {415, Outcome::refused, ErrorKind::refused},
                      {418, Outcome::broken, ErrorKind::unexpected_answer},
                      {422, Outcome::refused, ErrorKind::refused},
                      {425, Outcome::try_later, ErrorKind::throttled},
                      {429, Outcome::try_later, ErrorKind::throttled},
                      {500, Outcome::unknown, ErrorKind::unavailable},
                      {501, Outcome::broken, ErrorKind::unexpected_answer},
                      {502, Outcome::unknown, ErrorKind::unavailable},
                      {503, Outcome::try_later, ErrorKind::unavailable},
                      {504, Outcome::unknown, ErrorKind::timeout},
                      {505, Outcome::broken, ErrorKind::unexpected_answer},
                      {511, Outcome::broken, ErrorKind::proxy}};
  for (const Row& row : rows) {
    const auto result = classify(response(row.status));
    EXPECT_EQ(result.outcome, row.outcome) << row.status;
    EXPECT_EQ(result.error->kind, row.kind) << row.status;
    EXPECT_EQ(result.error->status, static_cast<int>(row.status));
  }
  for (const unsigned taken : {200U, 201U, 202U, 204U})
    EXPECT_EQ(classify(response(taken)).outcome, Outcome::accepted) << taken;
}

TEST(HttpEndpointAnswers, APageIsNeverAcceptedUnlessItsTypeIsNamed) {
  for (const auto& page : {response(200, "x", "text/html; charset=utf-8"), response(200, " \n<!DOCTYPE html><p>", ""),
                           response(200, "<HTML>", "application/json")}) {
    EXPECT_EQ(classify(page).error->kind, ErrorKind::unexpected_answer);
  }
  HttpSettings named;
  named.accept_content_type = "text/html";
  EXPECT_EQ(classify(response(200, "<html>taken", "Text/HTML; charset=utf-8"), named).outcome, Outcome::accepted);
}

TEST(HttpEndpointAnswers, WhatAcceptNamesHasToHold) {
  HttpSettings settings;
  settings.accept_status = {202};
  settings.accept_content_type = "application/json";
  settings.accept_body_contains = "\"taken\":true";
  EXPECT_EQ(classify(response(202, R"({"taken":true})"), settings).outcome, Outcome::accepted);
  EXPECT_EQ(classify(response(200, R"({"taken":true})"), settings).outcome, Outcome::broken);
  EXPECT_EQ(classify(response(202, R"({"taken":false})"), settings).outcome, Outcome::broken);
  EXPECT_EQ(classify(response(202, R"({"taken":true})", "text/plain"), settings).outcome, Outcome::broken);
  EXPECT_EQ(classify(response(202, R"({"taken":true})", ""), settings).outcome, Outcome::broken);
}

TEST(HttpEndpointAnswers, RefuseNamesWhatIsRefusedAndNothingElseIs) {
  HttpSettings settings;
  settings.refuse_status = {409, 503};
  EXPECT_EQ(classify(response(409), settings).outcome, Outcome::refused);
  EXPECT_EQ(classify(response(503), settings).outcome, Outcome::refused);
  EXPECT_EQ(classify(response(400), settings).outcome, Outcome::broken);
}

TEST(HttpEndpointAnswers, ARetryAfterIsTheServersWish) {
  auto busy = response(429);
  busy.headers.emplace_back("retry-after", "7");
  EXPECT_EQ(classify(busy).retry_after, 7s);
}

TEST(HttpEndpointAnswers, TheReceiptHasStatusAndLocation) {
  auto taken = response(201);
  taken.headers.emplace_back("location", "/results/17");
  EXPECT_EQ(classify(taken).receipt, (Receipt{{"status", "201"}, {"location", "/results/17"}}));
}

}  // namespace
}  // namespace relay
