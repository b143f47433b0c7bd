// What a sender that was written for ReportStream reads in the history of its report.
#include "intake/reportstream_answers.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace relay {
namespace {

struct Said {
  std::string confirmation;
  std::string overall_status;
};

std::string status_of_delivered(const std::vector<Said>& deliveries) {
  SubmissionView view;
  view.state = SubmissionState::delivered;
  for (const Said& said : deliveries) {
    DeliveryView delivery;
    delivery.state = DeliveryState::delivered;
    delivery.confirmation = said.confirmation;
    delivery.overall_status = said.overall_status;
    view.deliveries.push_back(delivery);
  }
  return std::string(reportstream_status(view));
}

TEST(ReportStreamStatus, OfADeliveredOneIsWhatTheFollowUpSays) {
  EXPECT_EQ(status_of_delivered({{"none", ""}}), "Waiting to Deliver");
  EXPECT_EQ(status_of_delivered({{"pending", ""}}), "Waiting to Deliver");
  EXPECT_EQ(status_of_delivered({{"pending", "Received"}}), "Waiting to Deliver");
  EXPECT_EQ(status_of_delivered({{"pending", "Partially Delivered"}}), "Partially Delivered");
  EXPECT_EQ(status_of_delivered({{"confirmed", "Delivered"}}), "Delivered");
  EXPECT_EQ(status_of_delivered({{"failed", "Not Delivering"}}), "Not Delivering");
  EXPECT_EQ(status_of_delivered({{"failed", ""}}), "Error");
}

TEST(ReportStreamStatus, OfSeveralIsTheWorstThatWasSaid) {
  EXPECT_EQ(status_of_delivered({{"confirmed", "Delivered"}, {"none", ""}}), "Delivered") << "a folder says nothing";
  EXPECT_EQ(status_of_delivered({{"confirmed", "Delivered"}, {"pending", ""}}), "Waiting to Deliver");
  EXPECT_EQ(status_of_delivered({{"confirmed", "Delivered"}, {"failed", "Error"}}), "Error");
}

TEST(ReportStreamStatus, OfAnyOtherGoesByItsState) {
  const auto of = [](SubmissionState state) {
    SubmissionView view;
    view.state = state;
    return std::string(reportstream_status(view));
  };
  EXPECT_EQ(of(SubmissionState::queued), "Received");
  EXPECT_EQ(of(SubmissionState::dead_letter), "Error");
  EXPECT_EQ(of(SubmissionState::discarded), "Not Delivering");
  EXPECT_EQ(of(SubmissionState::partially_delivered), "Partially Delivered");
}

}  // namespace
}  // namespace relay
