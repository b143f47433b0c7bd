// Destination sftp: hands a submission over as one file on an SFTP server.
//
//   look: is <path> there? with the size of the payload: accepted; with another one: broken, nothing is written over
//   write .<id>.part in the same folder from byte 0, have it saved (fsync@openssh.com, where the server knows it),
//   close rename it to <path>
//
// The name holds the submission's id, so a file of that name and size is this submission's. Nothing is at <path> before
// all of it is. Where the rename's answer gets lost, the file is looked for over a new connection: there is accepted.
// Otherwise the outcome is unknown, and a possible repeat unless the .part file still stands there: somebody may have
// taken the file away already. Everything before the rename is broken when it fails, and costs no attempt: an answer
// that says no as well, since nothing of it is about this payload alone (a full disk, a missing right or folder).
//
// Connections are kept; four at most shake hands at once, since servers drop more (sshd's MaxStartups).
#pragma once

#include <memory>

#include "destinations/destination.hpp"
#include "settings/settings.hpp"

namespace relay {

std::unique_ptr<Destination> make_sftp(const DestinationSettings& destination, const SftpSettings& settings);

}  // namespace relay
