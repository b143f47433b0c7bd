// The writer's WAL: written back while it is small, emptied where readers let it go, and of what was erased in time.
#include "base/log.hpp"
#include "base/thread_progress.hpp"
#include "journal/writer.hpp"

namespace relay {
namespace {

// The WAL is written back when it has grown to this many frames of 16 KiB: 4 MiB. Small and recycled it stays in place
// on the disk, which syncs faster than a file that grows.
constexpr int checkpoint_frames = 256;
// Readers that overlap keep the WAL from beginning anew although it was written back. From 16 MiB on they are waited
// for, shortly, once a second; at 128 MiB nothing is taken until the WAL could be emptied.
constexpr int wait_for_readers_frames = 1024;
constexpr int most_frames = 8192;
constexpr std::chrono::seconds wait_for_readers_every{1};

}  // namespace

void Writer::write_wal_back() {
  if (connection_.wal_frames() >= checkpoint_frames) checkpoint(Connection::Checkpoint::passive);
  const MonotonicTime now = clock_.monotonic_now();
  if (connection_.wal_frames() >= wait_for_readers_frames && now >= next_wait_for_readers_) {
    next_wait_for_readers_ = now + wait_for_readers_every;
    checkpoint(Connection::Checkpoint::truncate_if_unread);
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
