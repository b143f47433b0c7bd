// Destination azure_storage_queue: hands a submission over as a message in an Azure Storage Queue.
//
// Envelope reportstream, in this order, each step only after the one before was accepted:
//   Put Blob → Insert Entity (where `table` is set) → Put Message
// The consumer acts on the message alone, so it comes last; blob and row of a repeat are the same blob and row (their
// names are made from the submission's id), and only a repeated message is a repeat to the consumer, who can tell it by
// its reportId. Envelope raw: Put Message alone.
//
// A delivery's try begins at the first step, also where an earlier try got further: nothing needs to be remembered over
// a crash, and the blob is sure to be there when the message is.
//
// After a sign-in or a right was refused, ${file:} secrets are read again, once a try; where one changed the step is
// repeated. After a 404 with `create: true` the missing thing is made, once a try, and the step is repeated.
//
// Known weakness: Azure keeps no record of a message's identity, so an answer lost after Put Message can't be
// reconciled; the next try may put a second message of the same reportId.
#pragma once

#include <memory>
#include <string>

#include "base/clock.hpp"
#include "destinations/destination.hpp"
#include "settings/settings.hpp"

namespace relay {

std::unique_ptr<Destination> make_azure_storage_queue(const DestinationSettings& destination,
                                                      const AzureStorageQueueSettings& settings,
                                                      const std::string& site, const Clock& clock);
DestinationLimits limits_of(const AzureStorageQueueSettings& settings);

}  // namespace relay
