// The writer's WAL: written back while it is small, emptied where readers let it go, and of what was erased in time.
#include <algorithm>

#include "base/log.hpp"
#include "base/thread_progress.hpp"
#include "journal/writer.hpp"

namespace relay {
namespace {

// The WAL is written back when it has grown to this many frames of 16 KiB: 4 MiB. Small and recycled it stays in place
// on the disk, which syncs faster than a file that grows. Where a reader keeps it from beginning anew (a `verify` of
// minutes), it is written back after as many more, not after every commit.
constexpr int checkpoint_frames = 256;
// With bulk in it (chunks of large payloads, what is erased): little of it is written twice, so little is saved by
// waiting, and who submits meanwhile waits for all of it.
constexpr int checkpoint_frames_of_bulk = 32;
// Short readers that overlap keep the WAL from beginning anew although it was written back. From 16 MiB on they are
// waited for, shortly, once a second, and half as often after each time in vain; a long one isn't, it would be in vain.
// From 64 MiB on it is every second again. At 128 MiB nothing is taken until the WAL could be emptied.
constexpr int wait_for_readers_frames = 1024;
constexpr int wait_often_frames = 4096;
constexpr int most_frames = 8192;
constexpr std::chrono::seconds shortest_rest_between_waits{1};
constexpr std::chrono::seconds longest_rest_between_waits{16};

}  // namespace

void Writer::write_wal_back() {
  const int frames = connection_.wal_frames();
  if (frames < written_back_at_) written_back_at_ = 0;  // it has begun anew
  if (frames - written_back_at_ >= (bulk_in_wal_ ? checkpoint_frames_of_bulk : checkpoint_frames)) {
    checkpoint(Connection::Checkpoint::passive);
    written_back_at_ = frames;
    bulk_in_wal_ = false;
  }
  const MonotonicTime now = clock_.monotonic_now();
  const bool in_vain = connection_.frames_held() >= checkpoint_frames && frames < most_frames;
  if (frames >= wait_often_frames) rest_between_waits_ = shortest_rest_between_waits;
  if (frames >= wait_for_readers_frames && !in_vain && now >= waited_for_readers_ + rest_between_waits_) {
    waited_for_readers_ = now;
    rest_between_waits_ = checkpoint(Connection::Checkpoint::truncate_if_unread)
                              ? shortest_rest_between_waits
                              : std::min(2 * rest_between_waits_, longest_rest_between_waits);
  }
  const bool held = connection_.wal_frames() >= most_frames;
  if (held && !disk_.wal_held()) log_error("the journal's WAL is at its cap; nothing is taken until readers let it go");
  disk_.set_wal_held(held);
}

bool Writer::checkpoint(Connection::Checkpoint kind) {
  if (health_.state() != WriterHealth::State::working) return false;
  for (;;) {
    try {
      const ThreadProgress::DiskWrite disk_write;
      return connection_.checkpoint(kind);
    } catch (const DatabaseError& error) {
      last_error_ = error.what();
      if (!error.disk_full()) {
        met(error.corrupt() ? Saved::corrupt : Saved::io_error);
        return false;
      }
      disk_.disk_was_full();
      if (!disk_.make_room()) return false;
    }
  }
}

// What was erased is in the WAL's older frames until it is emptied.
void Writer::empty_wal_of_erased() {
  if (health_.state() != WriterHealth::State::working) return;
  if (!housekeeping_.wal_should_be_emptied(clock_.monotonic_now())) return;
  if (checkpoint(Connection::Checkpoint::truncate_if_unread)) housekeeping_.wal_was_emptied();
}

}  // namespace relay
