// Forwarder: one lane a destination, each on a thread of its own, draining the journal.
//
// Used by one thread at a time but for what says otherwise.
//
// forward.memory: a lane holds no payload. A destination reads the payload behind a claim in pieces, as it sends: at
// most inline_payload_limit or one payload_chunk_size for each try in flight. So concurrency * 256 KiB bounds a lane (4
// MiB at the default 16), whatever the payloads' size; who configures destinations checks the sum against
// forward.memory.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/uuid.hpp"
#include "destinations/destination.hpp"
#include "journal/journal.hpp"
#include "settings/settings.hpp"

namespace relay {

class Forwarder {
 public:
  Forwarder(Journal& journal, const Clock& clock);
  ~Forwarder();

  // Starts the destination's lane.
  void add(const DestinationSettings& settings, std::unique_ptr<Destination> destination);
  // To the lane of that destination, where it has one. Any thread.
  void resume(const std::string& destination);
  void taken_away(const std::string& destination, const SubmissionId& id);
  // A new configuration: ends the lanes of those names, each once what it has in flight has ended and is settled, at
  // the latest after the longer of `grace` and its timeout, and starts `added` (of which some take an ended one's
  // place). What is queued for a destination that isn't added again stays queued. Returns when all have started, but
  // for those in whose place a lane hangs in a share: they start once that answers, and the log says so.
  struct NewLane {
    DestinationSettings settings;
    std::unique_ptr<Destination> destination;
  };
  void replace(const std::vector<std::string>& ended, std::vector<NewLane> added, std::chrono::milliseconds grace);
  // Starts nothing new; waits until what is in flight has ended and is settled, at most `grace`, then cancels the rest
  // (it is queued again) and joins the threads. Returns the names of the destinations whose threads hang in a share
  // and can't be joined; the process has to end without them, as the destructor would wait for them.
  std::vector<std::string> stop(std::chrono::milliseconds grace);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace relay
