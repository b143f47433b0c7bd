#include "journal/undelivered.hpp"

namespace relay {

namespace {

// It comes with its first undelivered delivery in the order of the walk: destinations in the order of the totals, and
// of each the open ones before the dead letters.
bool comes_now(const SubmissionView& view, const std::vector<TotalsRow>& destinations, const std::string& name,
               DeliveryState state) {
  for (const TotalsRow& destination : destinations) {
    for (const DeliveryView& delivery : view.deliveries) {
      if (delivery.destination != destination.name) continue;
      if (delivery.state == DeliveryState::queued || delivery.state == DeliveryState::dead_letter) {
        return delivery.destination == name && delivery.state == state;
      }
    }
  }
  return false;
}

}  // namespace

bool UndeliveredWalk::step(JournalReader& reader, std::size_t limit, std::vector<std::int64_t>& seqs) {
  Totals totals = reader.totals.read();
  const auto& destinations = totals.rows();
  while (destination_ < destinations.size()) {
    const TotalsRow& at = destinations[destination_];
    name_ = at.name;
    if (kind_ == Kind::open) {
      for (Rows rows = reader.open_by_client.rows(at.destination, client_, seq_, limit); rows.next();) {
        client_ = rows.string(0);
        seq_ = rows.integer(1);
        seqs.push_back(seq_);
      }
      if (!seqs.empty()) return true;
      kind_ = Kind::dead;
    } else {
      for (Rows rows = reader.oldest_dead_letters.rows(at.destination, seq_, limit); rows.next();) {
        seq_ = rows.integer(0);
        seqs.push_back(seq_);
      }
      if (!seqs.empty()) return true;
      kind_ = Kind::open;
      ++destination_;
    }
    client_.clear();
    seq_ = 0;
  }
  return false;
}

std::vector<SubmissionView> UndeliveredWalk::next(JournalReader& reader, std::size_t limit) {
  std::vector<SubmissionView> views;
  while (views.empty()) {
    const ReadTransaction transaction(reader.connection);
    std::vector<std::int64_t> seqs;
    if (!step(reader, limit, seqs)) break;
    Totals totals = reader.totals.read();
    const DeliveryState state = kind_ == Kind::open ? DeliveryState::queued : DeliveryState::dead_letter;
    for (const std::int64_t seq : seqs) {
      try {
        const auto row = reader.submissions.by_seq(seq);
        if (!row) continue;  // damage, which verify names
        SubmissionView view = reader.submissions.view(*row, true);
        if (comes_now(view, totals.rows(), name_, state)) views.push_back(std::move(view));
      } catch (const DatabaseError& error) {
        // What is on a damaged page keeps nobody else's from being carried away; verify names it.
        if (!error.corrupt()) throw;
      }
    }
  }
  return views;
}

Result<std::vector<SubmissionView>> JournalUndelivered::next(std::size_t limit) {
  try {
    auto reader = pool_->lease();
    return walk_.next(*reader, limit);
  } catch (const DatabaseError& error) {
    return fail(std::string("the journal can't be read: ") + error.what());
  }
}

}  // namespace relay
