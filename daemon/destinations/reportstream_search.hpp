// Looks for one submission of ours in ReportStream's list, page by page.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "base/clock.hpp"
#include "base/http_client.hpp"
#include "destinations/reportstream_requests.hpp"
#include "submission/outcome.hpp"

namespace relay {

class ReportStreamSearch {
 public:
  ReportStreamSearch() = default;
  // What arrived at or after `since`, by our clock. Reports of `other_than` aren't it: they came of earlier sendings.
  ReportStreamSearch(std::string id, WallTime since, std::set<std::string> other_than = {});

  HttpClientRequest request(const ReportStreamSettings& settings, const std::string& client) const {
    return list_request(settings, client, since_, cursor_);
  }

  enum class Step {
    found,
    absent,     // from the first page to the last
    next_page,  // to be asked for
    too_long,   // more pages than anybody looks through
    no_list,    // the answer isn't one: list_trouble says what it means
  };
  Step take(const TransferResult& answer);
  const ListedSubmission& found() const { return found_; }

 private:
  std::string id_;
  std::set<std::string> other_than_;
  WallTime since_{};
  std::string cursor_;
  std::set<std::string> seen_;
  unsigned pages_ = 0;
  ListedSubmission found_;
};

// Why no list came: broken or try later. Nothing where the service doesn't show it to this sender.
std::optional<AttemptResult> list_trouble(const TransferResult& answer, WallTime now);

}  // namespace relay
