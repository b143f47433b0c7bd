// Goes through what is undelivered, destination by destination: the open deliveries by client, then the dead letters.
// A submission comes with the first of its undelivered deliveries, so once. Its cost grows with what is undelivered,
// not with the journal.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "journal/operator_actions.hpp"
#include "journal/reading_pool.hpp"

namespace relay {

// Where it has come to; each step reads within a transaction of its own.
class UndeliveredWalk {
 public:
  // The next ones, with history; empty at the end. Throws DatabaseError.
  std::vector<SubmissionView> next(JournalReader& reader, std::size_t limit);

 private:
  enum class Kind { open, dead };
  // Moves on past at least one delivery; false at the end.
  bool step(JournalReader& reader, std::size_t limit, std::vector<std::int64_t>& seqs);

  std::size_t destination_ = 0;  // place in the totals
  std::string name_;
  Kind kind_ = Kind::open;
  std::string client_;
  std::int64_t seq_ = 0;
};

class JournalUndelivered : public UndeliveredReader {
 public:
  explicit JournalUndelivered(std::shared_ptr<ReadingPool> pool) : pool_(std::move(pool)) {}
  Result<std::vector<SubmissionView>> next(std::size_t limit) override;

 private:
  const std::shared_ptr<ReadingPool> pool_;
  UndeliveredWalk walk_;
};

}  // namespace relay
