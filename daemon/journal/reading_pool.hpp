// The reading connections, lent to one caller at a time. Made as they are needed, at most a few: every query is short.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "journal/claim_reader.hpp"
#include "journal/database.hpp"
#include "journal/follow_ups.hpp"
#include "journal/payload_reader.hpp"
#include "journal/submission_rows.hpp"
#include "journal/totals.hpp"

namespace relay {

// A connection and everything that is prepared on it.
struct JournalReader {
  // `opener` outlives it.
  JournalReader(const std::string& path, const std::string& vfs, const PayloadCipher& opener = PayloadCipher::none(),
                Connection::Mode mode = Connection::Mode::read);

  const PayloadCipher& cipher;
  Connection connection;
  Statement commit_number;
  SubmissionReader submissions;
  ClaimReader claims;
  FollowUpReader follow_ups;
  TurnReader turns;
  PayloadRows payloads;
  TotalsReader totals;
  Statement newest_dead_letters;  // below a seq, of one destination
  Statement newest_of_client;     // open ones below a seq, of one destination and client
  Statement oldest_dead_letters;  // above a seq
  Statement open_by_client;       // above a (client, seq)
  Statement audit_below;          // newest first
  Statement accepted_at;
  Statement counters;

  CommitNumber as_of();
};

// Thread-safe; outlives its leases.
class ReadingPool {
 public:
  ReadingPool(std::string path, std::string vfs, std::shared_ptr<const PayloadCipher> cipher,
              Connection::Mode mode = Connection::Mode::read)
      : path_(std::move(path)), vfs_(std::move(vfs)), cipher_(std::move(cipher)), mode_(mode) {}

  class Lease {
   public:
    Lease(ReadingPool& pool, std::unique_ptr<JournalReader> reader) : pool_(&pool), reader_(std::move(reader)) {}
    ~Lease() {
      if (reader_) pool_->give_back(std::move(reader_));
    }
    Lease(Lease&&) = default;
    Lease& operator=(Lease&&) = delete;
    JournalReader* operator->() { return reader_.get(); }
    JournalReader& operator*() { return *reader_; }

   private:
    ReadingPool* pool_;
    std::unique_ptr<JournalReader> reader_;
  };

  // Waits where all are lent. Throws DatabaseError where no connection can be made.
  Lease lease();
  const PayloadCipher& cipher() const { return *cipher_; }
  // Closes every connection that isn't lent, so that the writer's is the last; later leases throw.
  void close();

 private:
  void give_back(std::unique_ptr<JournalReader> reader);

  const std::string path_;
  const std::string vfs_;
  const std::shared_ptr<const PayloadCipher> cipher_;
  const Connection::Mode mode_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<JournalReader>> idle_;
  std::size_t lent_ = 0;
  bool closed_ = false;
};

}  // namespace relay
