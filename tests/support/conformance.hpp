// What the conformance suite needs of the other side of a destination. A new destination adds a ConformancePeer and one
// line in conformance_test.cpp; the suite itself stays as it is.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "destinations/destination.hpp"
#include "settings/settings.hpp"

namespace relay {

// How the other side takes the next submissions.
enum class PeerMood {
  taking,    // accepts
  refusing,  // this payload won't do
  busy,      // try later, with a wish for 7 seconds where the system has such a thing
  barring,   // the relay itself isn't let in
  silent,    // takes all and answers nothing
  cut_off,   // takes all and ends the connection instead of an answer
  alien,     // answers well-meant success that isn't its own (a captive portal's page)
};

class ConformancePeer {
 public:
  virtual ~ConformancePeer() = default;

  // Of the destination under test; time-outs as short as a test wants them. Made once.
  virtual DestinationSettings settings() = 0;
  // False where the system can't have that mood; the tests about it are then left out.
  virtual bool can_be(PeerMood mood) const = 0;
  virtual void be(PeerMood mood) = 0;
  // Nothing is there to be reached; and there it is again, with all it had.
  virtual void go_away() = 0;
  virtual void come_back() = 0;
  // The payload that was taken over under that submission's identity, byte for byte; nothing where none was.
  virtual std::optional<std::string> taken(const Submission& submission) = 0;
  // How many times a consumer would see that submission.
  virtual std::size_t times_seen(const Submission& submission) = 0;
  // Requires another credential from now on and puts it into the ${file:} that settings() refers to; false where the
  // system has none.
  virtual bool change_credential() = 0;
  // The largest read of a payload that the destination may make.
  virtual std::size_t bounded_read() const { return 256 * 1024; }
};

struct NamedPeer {
  std::string name;
  std::function<std::unique_ptr<ConformancePeer>()> make;
};

std::unique_ptr<ConformancePeer> make_azure_storage_queue_peer();
std::unique_ptr<ConformancePeer> make_azure_raw_peer();
std::unique_ptr<ConformancePeer> make_directory_peer();
std::unique_ptr<ConformancePeer> make_reportstream_peer();
std::unique_ptr<ConformancePeer> make_reportstream_function_key_peer();
std::unique_ptr<ConformancePeer> make_http_peer();
std::unique_ptr<ConformancePeer> make_http_oauth_peer();
std::unique_ptr<ConformancePeer> make_mllp_peer();
std::unique_ptr<ConformancePeer> make_s3_peer();
std::unique_ptr<ConformancePeer> make_sftp_peer();

}  // namespace relay
