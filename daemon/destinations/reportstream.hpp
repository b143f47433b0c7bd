// Destination reportstream: hands a submission over to ReportStream's own API, and asks later what became of it.
//
//   POST <url>/api/waters (Bearer) or <url>/api/reports (x-functions-key)      the submission
//   GET  <url>/api/waters/org/{org.sender}/submissions?since=…&showfailed=true  did an unanswered one arrive?
//   GET  <url>/api/waters/report/{id}/history                                   what became of it?
//
// The service has no key of ours to know a repeat by, so the submission's id goes where it is given back: payloadName
// is
// "<id>" or "<sender's name>~<id>", which the list shows as `externalName`. A row proves acceptance where its
// externalName ends in our id and its httpStatus is 2xx. Where the list may not be read (401, 403, 404 and the like) a
// look can't tell.
//
// The list comes in pages, newest first; `cursor` asks for what is older than a page's last row. A page of fewer than
// ten rows is the last one (the service's smallest page), and so is one that holds nothing new.
//
// Known weakness: where a sender may not read its own list, a submission whose answer was lost is sent again; the
// service itself drops a repeat only where it checks for duplicates.
#pragma once

#include <memory>
#include <string>

#include "base/clock.hpp"
#include "destinations/destination.hpp"
#include "settings/settings.hpp"

namespace relay {

std::unique_ptr<Destination> make_reportstream(const DestinationSettings& destination,
                                               const ReportStreamSettings& settings, const std::string& site,
                                               const Clock& clock);
DestinationLimits limits_of(const ReportStreamSettings& settings);

}  // namespace relay
