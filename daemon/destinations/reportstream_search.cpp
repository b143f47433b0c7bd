#include "destinations/reportstream_search.hpp"

#include <utility>

#include "destinations/http_answer.hpp"
#include "destinations/reportstream_answers.hpp"

namespace relay {
namespace {

// Their clock may be behind ours.
constexpr std::chrono::hours further_back{1};
constexpr std::size_t smallest_page = 10;
constexpr unsigned most_pages = 200;

}  // namespace

ReportStreamSearch::ReportStreamSearch(std::string id, WallTime since, std::set<std::string> other_than)
    : id_(std::move(id)), other_than_(std::move(other_than)), since_(since - further_back) {}

ReportStreamSearch::Step ReportStreamSearch::take(const TransferResult& answer) {
  const auto* response = std::get_if<HttpClientResponse>(&answer.result);
  if (response == nullptr || response->status != 200) return Step::no_list;
  const auto page = read_submission_list(response->body);
  if (!page) return Step::no_list;
  bool news = false;
  for (const ListedSubmission& row : *page) {
    if (row.taken && row.external_name.ends_with(id_) && !other_than_.contains(row.id)) {
      found_ = row;
      return Step::found;
    }
    news = seen_.insert(row.submission_id + " " + row.id + " " + row.timestamp).second || news;
  }
  if (page->size() < smallest_page || !news || page->back().timestamp.empty()) return Step::absent;
  cursor_ = page->back().timestamp;
  return ++pages_ < most_pages ? Step::next_page : Step::too_long;
}

std::optional<AttemptResult> list_trouble(const TransferResult& answer, WallTime now) {
  AttemptResult result;
  if (const auto* failure = std::get_if<TransferError>(&answer.result)) {
    result = classify_failure(*failure);
  } else {
    const auto& response = std::get<HttpClientResponse>(answer.result);
    if (response.status >= 200 && response.status < 300) {
      result.outcome = Outcome::broken;
      result.error = answer_error(response, ErrorKind::unexpected_answer, "this isn't a list of submissions");
      return result;
    }
    result = classify_reportstream_answer({{}, false, now}, response);
    const bool in_between = response.status / 100 == 3 || response.status == 407 || response.status == 511;
    const bool busy = result.outcome == Outcome::try_later || result.outcome == Outcome::unknown;
    if (!in_between && !busy) return std::nullopt;
  }
  // A look may be made again: nothing is unknown by one that had no answer.
  if (result.outcome == Outcome::unknown) result.outcome = Outcome::try_later;
  result.possibly_delivered = false;
  return result;
}

}  // namespace relay
