// A journal driven straight through its interface, without a door before it or a lane behind: fills one quickly, and
// lets single operations be counted.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/uuid.hpp"
#include "bench/load_protocols.hpp"
#include "journal/journal.hpp"

namespace relay::bench {

// At most `limit` operations under way; what waits for them to end.
class UnderWay {
 public:
  explicit UnderWay(std::size_t limit) : limit_(limit) {}
  void begin();  // waits for a free place
  void end(bool succeeded);
  // Waits until none is under way. Throws std::runtime_error where one failed.
  void await_all();

 private:
  const std::size_t limit_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t count_ = 0;
  std::size_t failed_ = 0;
};

class BenchJournal {
 public:
  // Opens or makes the journal there; throws where it can't. Every submission goes to `destinations`.
  BenchJournal(const std::string& path, std::vector<std::string> destinations, std::size_t payload_size,
               std::size_t under_way);
  ~BenchJournal();

  // Returns once all are durable.
  void append(std::size_t count);
  // The oldest due ones of a destination; as many as there are.
  std::vector<Claim> claim(const std::string& destination, std::size_t count);
  // All delivered, or all refused for good. Returns once that is durable.
  void settle(const std::vector<Claim>& claims, Outcome outcome = Outcome::accepted);

 private:
  std::unique_ptr<Journal> journal_;
  UuidGenerator ids_;
  NumberedPayload payload_;
  std::uint64_t number_ = 0;
  const std::vector<std::string> destinations_;
  UnderWay under_way_;
};

}  // namespace relay::bench
