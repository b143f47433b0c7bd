// Inbox: how other threads hand commands to the writer. What comes first is taken whole; arrivals up to a byte bound,
// so that a commit stays short whatever waits. Of the chunks of large payloads a commit takes one, and every other one
// none where small submissions wait: these pass a 50 MB upload, and hardly feel it. Where nobody waits for an answer to
// what has come (settlements of a drain), it is given a few milliseconds to become more: a commit costs a sync and the
// pages it touches, once.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "journal/command.hpp"

namespace relay {

class Inbox {
 public:
  struct Batch {
    std::vector<std::unique_ptr<Command>> first;
    std::vector<std::unique_ptr<Command>> arrivals;
    bool closed = false;  // nothing comes after this batch
  };

  // What may wait does so for that long, or until it has become `gathered`.
  static constexpr std::chrono::milliseconds usual_gathering{3};
  static constexpr std::size_t gathered = 64;

  explicit Inbox(std::chrono::milliseconds longest_gathering = usual_gathering)
      : longest_gathering_(longest_gathering) {}

  // After close() a command is dropped without an answer.
  void post(std::unique_ptr<Command> command);
  // An upload that was given up; its chunks are to be swept.
  void give_up(std::int64_t upload);
  std::vector<std::int64_t> take_given_up();
  // Ends a wait early, for work that isn't a command.
  void wake();
  // Waits until something is there that is to be done now, or until `patience` is over.
  Batch take(std::chrono::milliseconds patience);
  void close();

 private:
  // Something is to be done now.
  bool pressing() const;
  // At least one where one waits.
  void take_arrivals(std::vector<std::unique_ptr<Command>>& taken);

  const std::chrono::milliseconds longest_gathering_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<std::unique_ptr<Command>> first_;
  std::deque<std::unique_ptr<Command>> arrivals_;
  std::vector<std::int64_t> given_up_;
  bool urgent_ = false;              // somebody waits for one of `first_`
  bool chunks_were_passed_ = false;  // by small submissions, in the last batch
  bool woken_ = false;
  bool closed_ = false;
};

}  // namespace relay
