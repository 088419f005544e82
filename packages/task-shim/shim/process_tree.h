#pragma once

#include <functional>
#include <initializer_list>
#include <set>
#include <string>
#include <sys/types.h>

/** The living processes below these (without them), by their parents as /proc shows them. Corpses don't count. */
std::set<pid_t> descendants_of(const std::set<pid_t> &roots);

/** Until the kernel has taken a killed process apart, it may hold its device. */
bool is_alive(pid_t pid);

/** The living processes that were started with this environment entry, such as `NAME=value`. */
std::set<pid_t> processes_with_environment(const std::string &entry);

/** Whom a signal reached, and how many of them had a handler for it (not: ignored it, or are ended by it). */
struct Reach {
  int processes = 0;
  int handlers = 0;
};

/**
 * Sends these signals, one after another, to every living process below us, those included that the group is just forking.
 * Nobody else gets any, also if one of them ends meanwhile and its number is given to a stranger.
 * @param group a process group of ours whose leader is not reaped yet; 0: none
 */
Reach signal_descendants(std::initializer_list<int> signals, pid_t group);

/**
 * Kills all that `find` finds, and leaves no time to escape.
 *
 * A process that forks faster than it is killed would survive a simple loop, for its child appears after the list was
 * made. So everything is stopped first, and listed again until nothing new is found: a stopped process can't fork, thus
 * the list is complete, and then it is killed. Returns those that were killed.
 */
std::set<pid_t> kill_all(const std::function<std::set<pid_t>()> &find);
