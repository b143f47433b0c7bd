#include "journal/listing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <memory>
#include <queue>
#include <vector>

namespace relay {

namespace {

constexpr std::size_t rows_a_page = 1000;  // looked at, however few of them fit
constexpr std::size_t most_streams = 512;  // of open deliveries, one a client and destination
constexpr std::string_view cursor_start = "c1.";

std::string cursor_of(std::int64_t seq) {
  return fmt::format("{}{:016x}", cursor_start, seq);
}

std::optional<std::int64_t> parse_cursor(std::string_view text) {
  if (!text.starts_with(cursor_start)) return std::nullopt;
  text.remove_prefix(cursor_start.size());
  std::uint64_t seq = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seq, 16);
  if (text.size() != 16 || error != std::errc() || end != text.data() + text.size() || seq > INT64_MAX) {
    return std::nullopt;
  }
  return static_cast<std::int64_t>(seq);
}

// Where the next submissions to look at come from: all of them, or only those that have a delivery in that state.
class Candidates {
 public:
  virtual ~Candidates() = default;
  // The next ones below those given before, at most `limit`; empty at the end.
  virtual std::vector<std::int64_t> next(std::size_t limit) = 0;
};

// Descending seqs from several sources, each read a few at a time, merged; a seq that several have comes once.
class MergedCandidates : public Candidates {
 public:
  using Source = std::function<std::vector<std::int64_t>(std::int64_t below, std::size_t limit)>;
  MergedCandidates(std::vector<Source> sources, std::int64_t below) : below_(below) {
    for (Source& source : sources) streams_.push_back({std::move(source), {}, 0});
    for (std::size_t i = 0; i < streams_.size(); ++i) refill(i, below);
  }

  std::vector<std::int64_t> next(std::size_t limit) override {
    std::vector<std::int64_t> seqs;
    while (seqs.size() < limit && !heads_.empty()) {
      const auto [seq, stream] = heads_.top();
      heads_.pop();
      if (seq < below_) {
        seqs.push_back(seq);
        below_ = seq;
      }
      advance(stream, seq);
    }
    return seqs;
  }

 private:
  struct Stream {
    Source source;
    std::vector<std::int64_t> ahead;
    std::size_t position = 0;
  };
  void advance(std::size_t i, std::int64_t seq) {
    Stream& stream = streams_[i];
    if (++stream.position < stream.ahead.size()) {
      heads_.emplace(stream.ahead[stream.position], i);
    } else {
      refill(i, seq);
    }
  }
  void refill(std::size_t i, std::int64_t below) {
    Stream& stream = streams_[i];
    stream.ahead = stream.source(below, streams_.size() > 16 ? 4 : 64);
    stream.position = 0;
    if (!stream.ahead.empty()) heads_.emplace(stream.ahead.front(), i);
  }

  std::vector<Stream> streams_;
  std::priority_queue<std::pair<std::int64_t, std::size_t>> heads_;
  std::int64_t below_;
};

std::vector<std::int64_t> seqs_of(Rows rows) {
  std::vector<std::int64_t> seqs;
  while (rows.next()) seqs.push_back(rows.integer(0));
  return seqs;
}

// Submissions with a dead letter: by the partial index.
std::unique_ptr<Candidates> with_dead_letter(JournalReader& reader, const Totals& totals, std::int64_t below) {
  std::vector<MergedCandidates::Source> sources;
  for (const TotalsRow& row : totals.rows()) {
    if (row.dead_letter == 0) continue;
    sources.push_back([&reader, destination = row.destination](std::int64_t from, std::size_t limit) {
      return seqs_of(reader.newest_dead_letters.rows(destination, from, limit));
    });
  }
  return std::make_unique<MergedCandidates>(std::move(sources), below);
}

// Submissions with an open delivery: by client. Nothing where there are too many clients for that.
std::unique_ptr<Candidates> with_open_delivery(JournalReader& reader, const Totals& totals,
                                               const SubmissionQuery& query, std::int64_t below) {
  std::vector<MergedCandidates::Source> sources;
  for (const TotalsRow& row : totals.rows()) {
    if (row.queued == 0) continue;
    const auto add = [&](const std::string& client) {
      sources.push_back([&reader, destination = row.destination, client](std::int64_t from, std::size_t limit) {
        return seqs_of(reader.newest_of_client.rows(destination, client, from, limit));
      });
      return sources.size() <= most_streams;
    };
    if (query.client) {
      add(*query.client);
    } else {
      reader.claims.each_client(row.destination, add);
    }
    if (sources.size() > most_streams) return nullptr;
  }
  return std::make_unique<MergedCandidates>(std::move(sources), below);
}

bool fits(const SubmissionQuery& query, const SubmissionView& view) {
  if (query.state && view.state != *query.state) return false;
  return !query.destination || std::any_of(view.deliveries.begin(), view.deliveries.end(),
                                           [&](const DeliveryView& d) { return d.destination == *query.destination; });
}

// One page, filled from rows that come newest first.
class PageBuilder {
 public:
  PageBuilder(JournalReader& reader, const SubmissionQuery& query, SubmissionPage& page)
      : reader_(reader), query_(query), page_(page) {}

  bool full() const { return page_.submissions.size() >= query_.limit || looked_at_ >= rows_a_page; }
  std::size_t room() const { return rows_a_page - looked_at_; }
  void look_at(const SubmissionRow& row) {
    ++looked_at_;
    last_ = row.seq;
    if (query_.since && row.submission.accepted_at < *query_.since) return;
    recent_ = true;
    if (query_.client && row.submission.client != *query_.client) return;
    SubmissionView view = reader_.submissions.view(row, false);
    if (fits(query_, view)) page_.submissions.push_back(std::move(view));
  }
  // Where more may follow. Not so after a whole page of rows that were all accepted before `since`: times and order
  // agree but for a clock that was set, and no clock was set across so many.
  void stopped_early() {
    const bool beyond_since = query_.since && looked_at_ >= rows_a_page && !recent_;
    if (!beyond_since && !reader_.submissions.below(last_, 1).empty()) page_.next_cursor = cursor_of(last_);
  }

 private:
  JournalReader& reader_;
  const SubmissionQuery& query_;
  SubmissionPage& page_;
  std::size_t looked_at_ = 0;
  std::int64_t last_ = 0;
  bool recent_ = false;
};

void fill_from_all(JournalReader& reader, std::int64_t below, PageBuilder& builder) {
  constexpr std::size_t at_once = 100;
  while (!builder.full()) {
    const auto rows = reader.submissions.below(below, std::min(builder.room(), at_once));
    for (const SubmissionRow& row : rows) {
      builder.look_at(row);
      below = row.seq;
      if (builder.full()) break;
    }
    if (rows.empty()) return;
  }
  builder.stopped_early();
}

void fill_from(JournalReader& reader, Candidates& candidates, PageBuilder& builder) {
  while (!builder.full()) {
    const auto seqs = candidates.next(1);
    if (seqs.empty()) return;
    if (const auto row = reader.submissions.by_seq(seqs.front())) builder.look_at(*row);
  }
  builder.stopped_early();
}

}  // namespace

Result<SubmissionPage> list_submissions(JournalReader& reader, const SubmissionQuery& query) {
  std::int64_t below = INT64_MAX;
  if (query.cursor) {
    const auto cursor = parse_cursor(*query.cursor);
    if (!cursor) return fail("this cursor isn't one that an earlier page of the list gave; leave it out to start anew");
    below = *cursor;
  }
  SubmissionPage page;
  page.as_of = reader.as_of();
  if (query.limit == 0) return page;
  PageBuilder builder(reader, query, page);
  std::unique_ptr<Candidates> candidates;
  if (query.state == SubmissionState::dead_letter) {
    candidates = with_dead_letter(reader, reader.totals.read(), below);
  } else if (query.state == SubmissionState::queued) {
    candidates = with_open_delivery(reader, reader.totals.read(), query, below);
  }
  if (candidates) {
    fill_from(reader, *candidates, builder);
  } else {
    fill_from_all(reader, below, builder);
  }
  return page;
}

}  // namespace relay
