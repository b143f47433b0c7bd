// The certificates that clients have shown lately, and when they end: of the process, as the list of its threads is,
// since a client may come to any listener. For an alarm in time: once a certificate has ended, its client gets no
// further than the handshake.
#pragma once

#include <string>
#include <vector>

#include "base/clock.hpp"

struct ssl_st;
struct x509_st;

namespace relay {

struct ShownCertificate {
  std::string subject;  // its common name, else its first DNS name
  WallTime not_after{};
};

// The handshake of that connection is done; does nothing where the client showed none. A later one of the same subject
// takes its place, since that is how one is renewed. What nobody has shown for a week is forgotten. At most a thousand
// are kept. Any thread.
void note_shown_certificate(const ssl_st* connection, WallTime now);
void note_shown_certificate(const x509_st* certificate, WallTime now);
// Those that end before `before`, the first to end first. Any thread.
std::vector<ShownCertificate> shown_certificates_that_end(WallTime before, WallTime now);

}  // namespace relay
