// Destination s3: hands a submission over as one object, in one PUT, in a bucket of Amazon S3 or of a service that
// speaks like it.
//
// The object's name is made from the submission alone and holds its id, and so does its metadata (edge-relay-id): so a
// repeat is the same object. With `if_none_match` (the default) an object that is there is never written over: the
// service answers 412, and a HEAD tells whether that object is ours. A service that doesn't know the condition (501)
// gets no more of it until the destination is made anew.
//
// After a PUT without an answer a HEAD looks for the object at once. Where it isn't there the try's outcome is unknown:
// the PUT may still be under way. The next one meets it with 412 or 409; without the condition it begins with a HEAD,
// and may write the same bytes once more, which counts as a possible repeat.
//
// After a sign-in or a right was refused, ${file:} secrets are read again, once a try; where one changed the request is
// repeated.
//
// Known weakness: a key that may s3:PutObject and not s3:GetObject can't look, so what met its own object stays queued
// and is told as forbidden until the right is given.
#pragma once

#include <memory>
#include <string>

#include "base/clock.hpp"
#include "destinations/destination.hpp"
#include "settings/settings.hpp"

namespace relay {

std::unique_ptr<Destination> make_s3(const DestinationSettings& destination, const S3Settings& settings,
                                     const std::string& site, const Clock& clock);
DestinationLimits limits_of(const S3Settings& settings);

}  // namespace relay
