// Large payloads on their way in. Each chunk is committed as it comes; table `upload` names those that no submission
// has taken yet, so that at start, or when one is given up, its chunks are known without looking for them.
#pragma once

#include <atomic>
#include <deque>
#include <memory>

#include "journal/command.hpp"
#include "journal/inbox.hpp"
#include "journal/payload_cipher.hpp"

namespace relay {

inline constexpr int chunk_bits = 16;  // key of a chunk = upload << 16 | its number
constexpr std::int64_t chunk_key(std::int64_t upload, std::int64_t number) {
  return (upload << chunk_bits) | number;
}

// Shared by the upload's holder and its commands.
struct UploadState {
  UploadState(const SubmissionId& submission, std::shared_ptr<Inbox> writer)
      : id(submission), inbox(std::move(writer)) {}
  // Hands the chunks to the sweeper. Called by the holder's end and after each commit: whoever comes second sees that
  // both the number and the end are there; twice does no harm.
  void sweep_if_given_up() {
    if (given_up && number != 0) inbox->give_up(number);
  }
  const SubmissionId id;
  const std::shared_ptr<Inbox> inbox;
  std::atomic<std::int64_t> number{0};  // given with the first chunk
  std::atomic<std::int64_t> chunks{0};  // durable ones
  std::atomic<std::uint64_t> bytes{0};
  std::atomic<bool> taken{false};  // a submission has it
  std::atomic<bool> given_up{false};
};

class JournalUpload : public PayloadUpload {
 public:
  JournalUpload(const SubmissionId& id, std::shared_ptr<Inbox> inbox)
      : state_(std::make_shared<UploadState>(id, std::move(inbox))) {}
  ~JournalUpload() override;
  JournalUpload(const JournalUpload&) = delete;
  JournalUpload& operator=(const JournalUpload&) = delete;
  const std::shared_ptr<UploadState>& state() const { return state_; }

 private:
  std::shared_ptr<UploadState> state_;
};

class ChunkCommand : public Command {
 public:
  // `bytes` as the sender gave them; sealed here, on the caller's thread.
  ChunkCommand(std::shared_ptr<UploadState> upload, std::string bytes, const PayloadCipher& cipher,
               ChunkCallback callback);
  Urgency urgency() const override { return Urgency::arrival; }
  ByteCount weight() const override { return {size_}; }
  void apply(WriteTransaction& transaction) override;
  void committed() override;
  Fate not_saved(AppendRefusal why) override;

 private:
  std::shared_ptr<UploadState> upload_;
  std::uint64_t size_;
  std::string row_;
  ChunkCallback callback_;
  std::int64_t number_ = 0;
};

// The chunks that nobody will ask for again, erased one a commit.
class UploadSweeper {
 public:
  explicit UploadSweeper(Connection& connection);
  // Everything that was on its way in when the process ended.
  void load();
  void add(std::int64_t upload) { waiting_.push_back(upload); }
  bool idle() const { return waiting_.empty(); }
  // One slice. True where the upload at the front is gone with it: call finished() after the commit.
  bool sweep();
  void finished() { waiting_.pop_front(); }

 private:
  Connection& connection_;
  Statement open_uploads_;
  Statement erase_slice_;
  Statement erase_upload_;
  std::deque<std::int64_t> waiting_;
};

}  // namespace relay
