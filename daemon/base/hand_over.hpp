// HandOver: while one stands on a thread, whom that thread would wake is woken at its end, together. What a commit of
// thirty submissions answers is then one wake of the thread that waits for it, not thirty in a row: of those, each
// finds the other thread in the middle of what the one before it began, and both wait for each other's locks.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <utility>
#include <vector>

namespace relay {

class HandOver {
 public:
  HandOver();
  ~HandOver();
  HandOver(const HandOver&) = delete;
  HandOver& operator=(const HandOver&) = delete;

  // Runs `resume` on that executor: posted at the end of this thread's HandOver, or at once where none stands.
  static void post(const boost::asio::any_io_executor& executor, std::function<void()> resume);
  // Calls `wake` on this thread, at the same moment.
  static void at_end(std::function<void()> wake);

 private:
  struct Resumption {
    boost::asio::any_io_executor executor;
    std::function<void()> resume;
  };

  static void post_together(std::vector<Resumption> together);

  HandOver* const outer_;
  std::vector<Resumption> resumptions_;
  std::vector<std::function<void()>> wakes_;
};

}  // namespace relay
