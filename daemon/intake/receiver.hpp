// Receiver: the one way in for every door. A door names who sends what; the receiver routes, admits, validates, hashes
// and appends, and says when the submission is durable. HTTP, MLLP, folder and queue differ only before and after it.
//
// Thread-safe; a Reception is used by one thread at a time. Completions run on the journal's writer thread and must
// only hand over.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/result.hpp"
#include "base/uuid.hpp"
#include "intake/problem.hpp"
#include "journal/journal.hpp"
#include "settings/settings.hpp"
#include "submission/media_type.hpp"
#include "submission/route_table.hpp"

namespace relay {

class ClientRates;

// What a door knows before the payload.
struct Arrival {
  Intake intake = Intake::http;
  std::string client;
  // Nothing: the sender named none. An empty type: what it named can't be read.
  std::optional<MediaType> content_type{};
  std::string content_coding{};  // Content-Encoding that the door undoes, lower case; empty: none
  std::optional<std::string> payload_name{};
  std::optional<std::string> idempotency_key{};  // as the sender gave it; scoped by door and client here
  // What the sender calls the message, where its protocol has no key (HL7: MSH-10); its text is scoped here likewise.
  std::optional<MessageName> message_name{};
  std::optional<Digest> content_digest{};  // SHA-256 that the sender says, of the bytes given to write()
  // Where the sender's digest or key can't be read: answered in its turn, when the payload is there.
  std::optional<RequestProblem> digest_problem{};
  std::optional<RequestProblem> key_problem{};
  std::optional<ByteCount> declared_size{};  // of those bytes, where it is known before
  // What the drop folder's door has yet to do about the file (NewSubmission::pending_move).
  std::optional<std::string> pending_move{};
  bool any_client = false;               // the operator socket: `clients:` isn't asked
  std::shared_ptr<ClientRates> rates{};  // of the listener; nullptr: as fast as it comes
  std::string query_parameters{};        // what a ReportStream sender asked for, for a destination to pass on
};

// One payload on its way in. Give every byte to write() in order, then finish(). Destroying it gives it up.
class Reception {
 public:
  virtual ~Reception() = default;
  // Takes bytes, which must stay until `ready` runs: when the next may come (at once, on this thread, where no chunk
  // had to be committed).
  using WriteCallback = std::function<void(Result<void, RequestProblem>)>;
  virtual void write(std::string_view bytes, WriteCallback ready) = 0;
  // `durable` runs when the submission is in the journal and fsynced, or with the reason why not.
  using FinishCallback = std::function<void(Result<Appended, RequestProblem>)>;
  virtual void finish(FinishCallback durable) = 0;
};

class Receiver {
 public:
  Receiver(const IntakeSettings& settings, std::vector<std::string> clients, RouteTable routes, Journal& journal,
           const Clock& clock);
  ~Receiver();

  // Client, content type, route, type and size of the route's destinations, the client's rate (429), then what can't be
  // kept now (503).
  Result<std::unique_ptr<Reception>, RequestProblem> admit(Arrival arrival);
  // Counts and logs a refusal that a door found itself (those of admit(), write() and finish() are counted there).
  void count_refusal(Intake intake, ProblemName reason);
  // A new configuration: what is admitted from now on goes by it, what is under way by the earlier one. Any thread.
  void change(const IntakeSettings& settings, std::vector<std::string> clients, RouteTable routes);
  // The operator's stop: every admit() is refused with `stopping` from now on.
  void stop();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace relay
