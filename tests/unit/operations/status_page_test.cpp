// The status page: everything that comes from elsewhere is text in it, never markup.
#include "operations/status_page.hpp"

#include <gtest/gtest.h>

namespace relay {
namespace {

TEST(StatusPage, WhatComesFromElsewhereIsTextAndRemoteTextsAreLeftOut) {
  Health health;
  health.summary = "it's <b>bold</b> & \"quoted\"";
  DestinationHealth destination;
  destination.last_error = DeliveryError{ErrorKind::refused, 400, "<script>alert(1)</script>", "REMOTE"};
  health.destinations.emplace("<i>archive", destination);
  health.alarms.push_back({"stuck", "<u>", WallTime{}, 1});
  SubmissionView view;
  view.submission.client = "lab.x";
  view.submission.payload_name = "PAYLOAD-NAME";
  DeliveryView dead;
  dead.state = DeliveryState::dead_letter;
  dead.destination = "archive";
  dead.last_error = DeliveryError{ErrorKind::refused, 422, "no'", "REMOTE"};
  view.deliveries.push_back(dead);
  const std::string page = status_page(health, FlowRates(), {view}, WallTime{});
  EXPECT_NE(page.find("it&#39;s &lt;b&gt;bold&lt;/b&gt; &amp; &quot;quoted&quot;"), std::string::npos);
  EXPECT_NE(page.find("refused: &lt;script&gt;alert(1)&lt;/script&gt;"), std::string::npos);
  EXPECT_NE(page.find("refused: no&#39;"), std::string::npos);
  for (const char* never : {"<script", "<b>", "<i>", "<u>", "REMOTE", "PAYLOAD-NAME"}) {
    EXPECT_EQ(page.find(never), std::string::npos) << never;
  }
}

}  // namespace
}  // namespace relay
