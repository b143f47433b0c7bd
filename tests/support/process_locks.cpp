#include "support/process_locks.hpp"

namespace relay {
namespace {

constexpr std::size_t checkpoint_slot = 1;  // WAL_CKPT_LOCK of SQLite's WAL-index format

bool held(unsigned mask, int slot) {
  return (mask >> slot & 1U) != 0;
}

}  // namespace

int ProcessLocks::lock(Holder& holder, int level) {
  std::lock_guard guard(mutex_);
  if (holder.level >= level) return SQLITE_OK;
  const auto others = [&holder](const Holder* other) { return other != nullptr && other != &holder; };
  if (holder.level == SQLITE_LOCK_NONE) {
    if (others(pending_) || others(exclusive_)) return SQLITE_BUSY;
    ++shared_;
    holder.level = SQLITE_LOCK_SHARED;
  }
  if (level == SQLITE_LOCK_SHARED) return SQLITE_OK;
  if (others(reserved_) || others(pending_) || others(exclusive_)) return SQLITE_BUSY;
  if (level == SQLITE_LOCK_RESERVED) {
    reserved_ = &holder;
    holder.level = SQLITE_LOCK_RESERVED;
    return SQLITE_OK;
  }
  pending_ = &holder;
  holder.level = SQLITE_LOCK_PENDING;
  if (shared_ > 1) return SQLITE_BUSY;
  exclusive_ = &holder;
  holder.level = SQLITE_LOCK_EXCLUSIVE;
  return SQLITE_OK;
}

void ProcessLocks::unlock(Holder& holder, int level) {
  std::lock_guard guard(mutex_);
  if (holder.level <= level) return;
  for (const Holder** place : {&reserved_, &pending_, &exclusive_}) {
    if (*place == &holder) *place = nullptr;
  }
  if (level == SQLITE_LOCK_NONE) --shared_;
  holder.level = level;
}

bool ProcessLocks::reserved() {
  std::lock_guard guard(mutex_);
  return reserved_ || pending_ || exclusive_;
}

void ProcessLocks::map(Holder& holder, int region, int size, bool extend, void volatile** memory) {
  std::lock_guard guard(mutex_);
  *memory = nullptr;
  if (!holder.mapped) {
    holder.mapped = true;
    ++mappings_;
  }
  const auto index = static_cast<std::size_t>(region);
  if (index >= regions_.size() && !extend) return;
  while (regions_.size() <= index) {
    regions_.push_back(
        std::make_unique<std::vector<std::uint64_t>>(static_cast<std::size_t>(size) / sizeof(std::uint64_t)));
  }
  *memory = regions_[index]->data();
}

int ProcessLocks::lock_slots(Holder& holder, int first, int count, int flags) {
  const bool locking = (flags & SQLITE_SHM_LOCK) != 0;
  const bool exclusively = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
  std::lock_guard guard(mutex_);
  if (locking) {
    for (int slot = first; slot < first + count; ++slot) {
      const auto at = static_cast<std::size_t>(slot);
      const bool other_exclusive = slot_exclusive_[at] && slot_exclusive_[at] != &holder;
      const bool other_shared = slot_shared_[at] > (held(holder.slots_shared, slot) ? 1 : 0);
      if (other_exclusive || (exclusively && other_shared)) return SQLITE_BUSY;
    }
  }
  for (int slot = first; slot < first + count; ++slot) {
    const auto at = static_cast<std::size_t>(slot);
    const unsigned bit = 1U << slot;
    if (locking && exclusively) {
      slot_exclusive_[at] = &holder;
      holder.slots_exclusive |= bit;
    } else if (locking) {
      if (!held(holder.slots_shared, slot)) ++slot_shared_[at];
      holder.slots_shared |= bit;
    } else {
      if (held(holder.slots_shared, slot)) --slot_shared_[at];
      if (held(holder.slots_exclusive, slot)) slot_exclusive_[at] = nullptr;
      holder.slots_shared &= ~bit;
      holder.slots_exclusive &= ~bit;
    }
  }
  return SQLITE_OK;
}

void ProcessLocks::unmap(Holder& holder) {
  if (!holder.mapped) return;
  lock_slots(holder, 0, SQLITE_SHM_NLOCK, SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE);
  std::lock_guard guard(mutex_);
  holder.mapped = false;
  // The next first connection finds it empty, as SQLite's own does after taking a left file over.
  if (--mappings_ == 0) regions_.clear();
}

void ProcessLocks::barrier() {
  // A read-modify-write in the one order that all threads agree on; ThreadSanitizer knows no bare fences.
  barriers_.fetch_add(1, std::memory_order_seq_cst);
  std::lock_guard guard(mutex_);
}

bool ProcessLocks::checkpointing() {
  std::lock_guard guard(mutex_);
  return slot_exclusive_[checkpoint_slot] != nullptr;
}

}  // namespace relay
