// Whether a process is what the lease on a page says. A lease is a number that whoever may write
// the page can set to any other process; a supervisor may signal many.
#pragma once

#include <sys/types.h>

#include "core/access.hpp"
#include "core/mapping.hpp"
#include "core/topology.hpp"

namespace sluice {

// It maps the page for writing; or, where this user may not see that (a supervisor that has given
// up root), it runs under the user that may write the page, as `who` says, which only the
// configured supervisor can have made. Setup and adoption: it reads /proc.
bool is_holder(pid_t pid, Process process, FileId page, const Identities* who);

}  // namespace sluice
