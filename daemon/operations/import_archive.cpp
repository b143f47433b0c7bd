#include "operations/import_archive.hpp"

#include <utility>

#include <fmt/format.h>

#include "base/await_callback.hpp"

namespace relay {
namespace {

namespace asio = boost::asio;
using Done = ImportArchive::Done;

// Years of attempts fit.
constexpr std::size_t largest_metadata = 16 * 1024 * 1024;
constexpr std::chrono::seconds try_again{10};

RequestProblem problem_of(AppendRefusal refusal) {
  switch (refusal) {
    case AppendRefusal::journal_full:
      return {ProblemName::journal_full, "The journal is full.", try_again};
    case AppendRefusal::disk_low:
      return {ProblemName::disk_low, "The disk is nearly full.", try_again};
    case AppendRefusal::stopping:
      return {ProblemName::stopping, "The relay is stopping.", try_again};
    case AppendRefusal::journal_failing:
    case AppendRefusal::idempotency_conflict:
      break;
  }
  return {ProblemName::journal_failing, "The journal can't be written now.", try_again};
}

AppendRefusal refusal_of(ImportRefusal::Kind kind) {
  switch (kind) {
    case ImportRefusal::Kind::journal_full:
      return AppendRefusal::journal_full;
    case ImportRefusal::Kind::disk_low:
      return AppendRefusal::disk_low;
    case ImportRefusal::Kind::stopping:
      return AppendRefusal::stopping;
    case ImportRefusal::Kind::journal_failing:
    case ImportRefusal::Kind::another:
      break;
  }
  return AppendRefusal::journal_failing;
}

}  // namespace

ImportArchive::ImportArchive(Journal& journal, Operator by)
    : journal_(journal), session_(journal.operator_actions().begin_import(std::move(by))) {}

Done ImportArchive::malformed(std::string what) const {
  return Failure{
      RequestProblem{ProblemName::malformed_request,
                     fmt::format("{}. {} submissions before it were imported; the archive may be sent again.", what,
                                 counts_.imported)}};
}

asio::awaitable<Done> ImportArchive::feed(std::string_view bytes) {
  while (!ended_) {
    Done done;
    switch (parser_.next(bytes)) {
      case TarParser::Event::need_more:
        co_return Done();
      case TarParser::Event::entry:
        done = begin_entry();
        break;
      case TarParser::Event::bytes:
        done = co_await take_bytes(parser_.piece());
        break;
      case TarParser::Event::entry_end:
        done = co_await end_entry();
        break;
      case TarParser::Event::end:
        ended_ = true;
        break;
      case TarParser::Event::malformed:
        done = malformed("The body isn't a tar archive, or is damaged");
        break;
    }
    if (!done) co_return done;
  }
  co_return Done();
}

Done ImportArchive::finish() const {
  if (!ended_ || description_) return malformed("The archive ends before its end");
  return {};
}

Done ImportArchive::begin_entry() {
  const std::string& path = parser_.name();
  const auto slash = path.rfind('/');
  const std::string_view name = std::string_view(path).substr(slash == std::string::npos ? 0 : slash + 1);
  if (name == "metadata.json") {
    if (description_) return malformed("A submission in the archive lacks its payload");
    if (parser_.size().value > largest_metadata) return malformed("The description of a submission is too long");
    entry_ = Entry::metadata;
    metadata_.clear();
  } else if (name.starts_with("payload.")) {
    // Of one that is there already, or whose payload the archive lacks.
    entry_ = description_ ? Entry::payload : Entry::passed_over;
    if (description_ && parser_.size() != description_->submission.size) {
      return malformed(fmt::format("The payload of {} hasn't the size that its description says",
                                   description_->submission.id.text()));
    }
    hash_ = Sha256();
    held_.clear();
  } else {
    return malformed("The archive has a file that `edge-relay export` doesn't write");
  }
  return {};
}

asio::awaitable<Done> ImportArchive::take_bytes(std::string_view bytes) {
  if (entry_ == Entry::metadata) metadata_ += bytes;
  if (entry_ != Entry::payload) co_return Done();
  hash_.update(bytes);
  while (!bytes.empty()) {
    const std::string_view part = bytes.substr(0, payload_chunk_size.value - held_.size());
    held_ += part;
    bytes.remove_prefix(part.size());
    if (held_.size() < payload_chunk_size.value) break;
    Done committed = co_await commit_chunk();
    if (!committed) co_return committed;
  }
  co_return Done();
}

asio::awaitable<Done> ImportArchive::commit_chunk() {
  if (!upload_) upload_ = journal_.open_upload(description_->submission.id);
  std::string bytes = std::exchange(held_, {});
  const auto start = [this, &bytes](auto done) { journal_.append_chunk(*upload_, std::move(bytes), std::move(done)); };
  const auto committed = co_await await_callback<Result<void, AppendRefusal>>(start);
  if (!committed.ok()) co_return Failure{problem_of(committed.error())};
  co_return Done();
}

asio::awaitable<Done> ImportArchive::end_entry() {
  const Entry entry = std::exchange(entry_, Entry::none);
  if (entry == Entry::metadata) co_return describe();
  if (entry != Entry::payload) co_return Done();
  if (hash_.finish() != description_->submission.sha256) {
    upload_.reset();
    co_return malformed(fmt::format("The payload of {} doesn't match its SHA-256", description_->submission.id.text()));
  }
  if (upload_ || held_.size() > inline_payload_limit.value) {
    if (!held_.empty()) {
      Done committed = co_await commit_chunk();
      if (!committed) co_return committed;
    }
  }
  co_return co_await append();
}

Done ImportArchive::describe() {
  auto described = parse_carried_json(metadata_);
  if (!described) return malformed("In the archive " + described.error().message);
  if (described->payload_lost) {
    ++counts_.without_payload;
    return {};
  }
  const auto found = journal_.find(described->submission.id, false);
  if (!found) return Failure{problem_of(AppendRefusal::journal_failing)};
  if (*found) {
    const Submission& there = (*found)->view.submission;
    const bool same = there.sha256 == described->submission.sha256 && there.client == described->submission.client &&
                      there.content_type == described->submission.content_type;
    if (same) {
      ++counts_.already_there;
    } else {
      counts_.conflicting.push_back(there.id);
    }
    return {};
  }
  if (const auto refusal = journal_.admission(described->submission.size)) return Failure{problem_of(*refusal)};
  description_ = std::move(*described);
  return {};
}

asio::awaitable<Done> ImportArchive::append() {
  CarriedSubmission carried;
  carried.submission = std::move(description_->submission);
  carried.deliveries = std::move(description_->deliveries);
  const SubmissionId id = carried.submission.id;
  description_.reset();
  if (upload_) {
    carried.payload = std::move(upload_);
  } else {
    carried.payload = std::exchange(held_, {});
  }
  const auto start = [this, &carried](auto done) {
    journal_.operator_actions().import(session_, std::move(carried), std::move(done));
  };
  const auto imported = co_await await_callback<Result<Imported, ImportRefusal>>(start);
  if (imported.ok()) {
    ++(imported->already_there ? counts_.already_there : counts_.imported);
  } else if (imported.error().kind == ImportRefusal::Kind::another) {
    counts_.conflicting.push_back(id);
  } else {
    co_return Failure{problem_of(refusal_of(imported.error().kind))};
  }
  co_return Done();
}

}  // namespace relay
