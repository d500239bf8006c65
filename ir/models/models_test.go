package models_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"

	"saz/frontend"
	"saz/frontend/build"
	"saz/frontend/ctype"
	"saz/frontend/source"
	"saz/ir/models"
)

// headers declare what is modelled; those that are not installed are skipped.
var headers = strings.Fields(`
	stdio.h stdlib.h string.h strings.h ctype.h wchar.h wctype.h stdint.h inttypes.h math.h setjmp.h locale.h libintl.h
	errno.h error.h err.h assert.h getopt.h libgen.h fnmatch.h glob.h regex.h search.h malloc.h execinfo.h crypt.h endian.h
	byteswap.h unistd.h fcntl.h dirent.h ftw.h dlfcn.h pwd.h grp.h shadow.h sched.h signal.h syslog.h spawn.h termios.h
	time.h utime.h pthread.h semaphore.h mqueue.h ucontext.h langinfo.h stropts.h
	sys/types.h sys/stat.h sys/statfs.h sys/statvfs.h sys/mman.h sys/ipc.h sys/shm.h sys/sem.h sys/msg.h sys/wait.h sys/uio.h
	sys/time.h sys/times.h sys/timeb.h sys/timerfd.h sys/resource.h sys/utsname.h sys/sysinfo.h sys/syscall.h sys/prctl.h sys/file.h
	sys/eventfd.h sys/signalfd.h sys/inotify.h sys/epoll.h sys/select.h sys/poll.h sys/socket.h sys/ioctl.h sys/sendfile.h
	sys/random.h sys/fsuid.h sys/personality.h sys/acct.h poll.h netdb.h arpa/inet.h arpa/nameser.h resolv.h netinet/in.h netinet/ether.h net/if.h
	ifaddrs.h pcap/pcap.h pcre.h zlib.h sys/sysmacros.h mcheck.h threads.h uchar.h sys/auxv.h link.h
	openssl/ssl.h openssl/err.h openssl/evp.h openssl/provider.h openssl/store.h openssl/ui.h openssl/rand.h openssl/pkcs12.h
	openssl/x509v3.h openssl/ocsp.h openssl/hmac.h openssl/md5.h openssl/sha.h openssl/ec.h openssl/ecdsa.h openssl/params.h
	openssl/param_build.h openssl/decoder.h openssl/kdf.h openssl/rsa.h openssl/conf.h openssl/pem.h lz4.h lzo/lzo1x.h lzma.h
	cap-ng.h daq.h dumbnet.h libnetfilter_queue/libnetfilter_queue.h nghttp2/nghttp2.h
	netlink/netlink.h netlink/socket.h netlink/msg.h netlink/attr.h netlink/handlers.h netlink/genl/genl.h netlink/genl/ctrl.h netlink/genl/family.h
	netlink/genl/mngt.h libnet.h libnetfilter_queue/libnetfilter_queue_ipv4.h libnetfilter_queue/libnetfilter_queue_ipv6.h
	libnetfilter_queue/libnetfilter_queue_tcp.h libnetfilter_queue/libnetfilter_queue_udp.h libnetfilter_queue/libnetfilter_queue_icmp.h
	libnetfilter_queue/pktbuff.h libmnl/libmnl.h libnfnetlink/libnfnetlink.h pcap/can_socketcan.h pcreposix.h
	rte_eal.h rte_ethdev.h rte_mbuf.h rte_mbuf_dyn.h rte_mempool.h rte_ring.h rte_stack.h rte_ether.h rte_ip.h rte_net.h rte_hash.h rte_thash.h rte_lpm.h
	rte_lpm6.h rte_acl.h rte_meter.h rte_timer.h rte_cycles.h rte_lcore.h rte_launch.h rte_log.h rte_malloc.h rte_memzone.h rte_memory.h rte_memcpy.h
	rte_errno.h rte_random.h rte_spinlock.h rte_rwlock.h rte_ticketlock.h rte_alarm.h rte_interrupts.h rte_epoll.h rte_dev.h rte_bus.h rte_thread.h rte_debug.h
	rte_common.h rte_string_fns.h rte_version.h rte_kvargs.h rte_cfgfile.h rte_ip_frag.h rte_reorder.h rte_distributor.h rte_flow.h rte_kni.h rte_prefetch.h
	rte_pause.h rte_service.h rte_hexdump.h rte_cpuflags.h rte_vect.h rte_fib.h rte_fib6.h rte_power.h immintrin.h
	event2/event.h event2/event_struct.h event2/event_compat.h event2/buffer.h event2/buffer_compat.h event2/bufferevent.h
	event2/bufferevent_struct.h event2/bufferevent_compat.h event2/bufferevent_ssl.h event2/listener.h event2/dns.h event2/dns_compat.h
	event2/http.h event2/http_compat.h event2/tag.h event2/thread.h event2/util.h
`)

func prototypes(t *testing.T) map[string]*ctype.Type {
	var b strings.Builder
	b.WriteString("#define _GNU_SOURCE 1\n#define PCRE2_CODE_UNIT_WIDTH 8\n#define ALLOW_EXPERIMENTAL_API 1\n#if __has_include(<rte_config.h>)\n#include <rte_config.h>\n#endif\n")
	for _, h := range append(headers, "pcre2.h") {
		b.WriteString("#if __has_include(<" + h + ">)\n#include <" + h + ">\n#endif\n")
	}
	file := filepath.Join(t.TempDir(), "test.c")
	if err := os.WriteFile(file, []byte(b.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	args := []string{"cc", "-c", "-I/usr/include/libnl3", "-I/usr/include/dpdk", "-I/usr/include/x86_64-linux-gnu/dpdk", file}
	fp, err := frontend.LoadWith(&build.Program{Name: "test", Commands: []build.Command{{Dir: filepath.Dir(file), File: file, Args: args}}},
		&source.Sink{}, frontend.Options{Jobs: 2, Whole: true}) // declarations that nothing uses, too
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*ctype.Type{}
	for _, o := range fp.Units[0].Objects {
		if o.Type.Kind == ctype.Func {
			out[o.Name] = o.Type
			out[o.Link] = o.Type
		}
	}
	if len(out) < 500 {
		t.Fatalf("the C library's headers declare %d functions", len(out))
	}
	return out
}

// Every model's arguments are there and are pointers where it says that
// they point at something.
func TestPrototypes(t *testing.T) {
	protos := prototypes(t)
	set := models.Default()
	var names, without []string
	for n := range set.ByName {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		m := set.ByName[n]
		ft := protos[n]
		if ft == nil {
			without = append(without, n)
			continue
		}
		if ft.Func.OldStyle {
			continue
		}
		params := ft.Func.Params
		arg := func(what string, i int, pointer bool) {
			if i >= len(params) {
				if !ft.Func.Variadic {
					t.Errorf("%s: %s: %s: argument %d of %d", m.File, n, what, i, len(params))
				}
				return
			}
			k := params[i].Type.Kind
			if pointer && k != ctype.Pointer && k != ctype.Union {
				t.Errorf("%s: %s: %s: argument %d is no pointer but %s", m.File, n, what, i, params[i].Type)
			}
		}
		ptrs := func(what string, l []int) {
			for _, i := range l {
				arg(what, i, true)
			}
		}
		ptrs("frees", m.Frees)
		ptrs("returns", m.Returns)
		ptrs("same", m.Same)
		ptrs("elem", m.Elem)
		ptrs("writes", m.Writes)
		ptrs("fills", m.Fills)
		ptrs("reads", m.Reads)
		ptrs("gathers", m.Gathers)
		ptrs("scatters", m.Scatters)
		if !strings.HasSuffix(n, "longjmp") { // a number, which setjmp returns
			ptrs("keeps", m.Keeps)
		}
		ptrs("keeps_in", m.KeepsIn)
		ptrs("gives_in", m.GivesIn)
		ptrs("points", m.Points)
		ptrs("points_in", m.PointsIn)
		ptrs("opaque", m.Opaque)
		ptrs("locks", m.Locks)
		ptrs("unlocks", m.Unlocks)
		for _, l := range [][][2]int{m.Copies, m.Moves, m.Puts} {
			for _, c := range l {
				ptrs("copies, moves or puts", c[:])
			}
		}
		if m.Len != nil {
			arg("len", *m.Len, false)
		}
		if r := m.Receive; r != nil {
			ptrs("receive", r.Buffers)
			ptrs("receive", r.Vectors)
			ptrs("receive", r.Out)
			if r.Result && ft.Elem.Kind != ctype.Pointer {
				t.Errorf("%s: %s: receives but returns %s", m.File, n, ft.Elem)
			}
		}
		for _, i := range m.Data {
			arg("data", i, false)
		}
		if m.Varargs > 0 && (!ft.Func.Variadic || m.Varargs != len(params)) {
			t.Errorf("%s: %s: varargs %d, but the prototype has %d parameters, variadic %v", m.File, n, m.Varargs, len(params), ft.Func.Variadic)
		}
		if a := m.Alloc; a != nil {
			for _, i := range a.Size {
				arg("alloc size", i, false)
			}
			if a.Out != nil {
				arg("alloc out", *a.Out, true)
			} else if ft.Elem.Kind != ctype.Pointer {
				t.Errorf("%s: %s: allocates but returns %s", m.File, n, ft.Elem)
			}
			if a.From != nil {
				arg("alloc from", *a.From, true)
			}
		}
		if (m.Static || len(m.Returns)+len(m.Same)+len(m.Elem) > 0) && ft.Elem.Kind != ctype.Pointer {
			if n != "strerror_r" && n != "__xpg_strerror_r" && !ft.Elem.IsRecord() { // two of the name
				t.Errorf("%s: %s: returns a pointer, the prototype %s", m.File, n, ft.Elem)
			}
		}
		for _, c := range m.Calls {
			if c.From != "" {
				continue
			}
			arg("calls", c.Arg, true)
			if c.In {
				continue
			}
			if c.Arg >= len(params) {
				continue
			}
			cb := params[c.Arg].Type.Elem
			if cb.Kind != ctype.Func {
				continue
			}
			np := len(cb.Func.Params)
			if cb.Func.OldStyle {
				continue
			}
			for _, a := range c.Pass {
				arg("pass", a, false)
			}
			from := slices.Concat(c.Packet, c.Elems, c.Into, c.Held, c.Lib, c.Kept, slices.Collect(maps.Keys(c.Pass)), slices.Collect(maps.Keys(c.Slots)))
			for _, p := range from {
				if p >= np {
					t.Errorf("%s: %s: callback has no parameter %d", m.File, n, p)
				}
			}
			for i := range cb.Func.Params {
				if cb.Func.Params[i].Type.Kind == ctype.Pointer && !slices.Contains(from, i) && n != "pthread_key_create" {
					t.Errorf("%s: %s: where does the callback's parameter %d come from?", m.File, n, i)
				}
			}
		}
		if m.NoReturn != ft.Func.NoReturn && m.NoReturn && n != "__longjmp_chk" {
			t.Logf("%s: %s: the header does not say that it does not return", m.File, n)
		}
	}
	libc, none := 0, 0 // other libraries may not be installed
	for _, n := range names {
		if set.ByName[n].File == "libc.yaml" {
			libc++
			if protos[n] == nil {
				none++
			}
		}
	}
	if none*5 > libc {
		t.Errorf("%d of %d models of the C library have no prototype: %v", none, libc, without)
	}
	t.Logf("%d models, %d without a prototype here: %v", len(names), len(without), without)
}

func TestStrict(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"- name: f\n  wirtes: [0]\n", "wirtes"},
		{"- reads: [0]\n", "neither name"},
		{"- name: f\n  output: screen\n", "screen"},
		{"- name: f\n- name: f\n", "twice"},
		{"- name: f\n  gives: true\n", "slot"},
		{"- name: f\n  reads: [-1]\n", "argument -1"},
		{"- name: f\n  reads: x\n", "x"},
		{"- name: f\n  data: [1]\n", "output"},
		{"- name: f\n  reads: [1]\n  depth: 2\n", "depth"},
		{"- name: f\n  alloc: {keep: true}\n", "slot"},
	} {
		_, err := models.Parse("saz.yaml", []byte(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "saz.yaml") {
			t.Errorf("%q: %v; want something about %q", c.text, err, c.want)
		}
	}
}

func TestLoad(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mine.yaml")
	if err := os.WriteFile(file, []byte("- names: [rx_burst, malloc]\n  receive: {out: [2]}\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	s := models.Default()
	if err := s.Load(file); err != nil {
		t.Fatal(err)
	}
	if m := s.Lookup("rx_burst"); m == nil || m.Receive == nil || m.File != "mine.yaml" {
		t.Errorf("rx_burst: %+v", m)
	}
	if s.Lookup("malloc").Alloc != nil {
		t.Error("the user's malloc does not replace ours")
	}
	if models.Default().Lookup("malloc").Alloc == nil {
		t.Error("the user's malloc leaked into the defaults")
	}
}

// A name that only one of later and runs has is an error; ours have none.
func TestQueues(t *testing.T) {
	if err := models.Default().Check(); err != nil {
		t.Error(err)
	}
	for text, want := range map[string]string{
		"- name: event_loop\n  runs: [libevnt]\n":                               `mine.yaml: event_loop: runs "libevnt", for which`,
		"- name: on_event\n  calls:\n    - {arg: 0, later: queue}\n":            `mine.yaml: on_event: hands over for later "queue", which`,
		"- name: f\n  calls:\n    - {arg: 0, later: q}\n- {name: g, runs: [q]}": "",
	} {
		s := models.Default()
		if err := s.Add("mine.yaml", []byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := s.Check(); (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v; want %q", text, err, want)
		}
	}
}

func TestVariants(t *testing.T) {
	s := models.Default()
	for name, want := range map[string]string{
		"__isoc99_sscanf": "sscanf", "__isoc23_strtol": "strtol", "__memcpy_chk": "memcpy", "__builtin_memcpy": "memcpy",
		"__builtin___snprintf_chk": "snprintf", "fputs_unlocked": "fputs", "fopen64": "fopen64", "lseek64": "lseek",
		"__vfprintf_chk": "vfprintf", "__strdup": "strdup", "__isoc99_fscanf": "fscanf", "nosuch": "",
	} {
		got := ""
		if m := s.Lookup(name); m != nil {
			got = m.Name
		}
		if got != want {
			t.Errorf("%s: model of %q, want %q", name, got, want)
		}
	}
	for _, c := range []struct {
		name    string
		i, want int
	}{
		{"__snprintf_chk", 0, 0}, {"__snprintf_chk", 2, 4}, {"__snprintf_chk", 3, 5}, {"snprintf", 3, 3}, {"__fprintf_chk", 1, 2},
		{"__printf_chk", 0, 1}, {"__sprintf_chk", 1, 3}, {"__fgets_chk", 2, 3}, {"__read_chk", 2, 2}, {"__memcpy_chk", 2, 2},
		{"__builtin___snprintf_chk", 2, 4}, {"__fread_chk", 3, 4},
	} {
		if got := models.Chk(c.name, c.i); got != c.want {
			t.Errorf("Chk(%s, %d) = %d, want %d", c.name, c.i, got, c.want)
		}
	}
}

// Whatever the examples and the programs that saz is measured on call.
func TestCoverage(t *testing.T) {
	s := models.Default()
	for _, n := range strings.Fields(`__assert_fail __ctype_b_loc __ctype_tolower_loc __ctype_toupper_loc __errno_location
		__isoc99_sscanf __p_class __p_rcode __p_type access alarm calloc chdir chroot close closelog dirname dup2 endgrent
		endpwent exit fchown fclose fcntl fflush fgets fileno fopen fork fprintf fputc fputs fread free fstat ftok ftruncate
		fwrite getcwd getgrnam getopt getpid getpwnam getuid gmtime inet_aton inet_ntop inet_pton initgroups malloc memchr
		memcmp memcpy memmove memset mkfifo ns_initparse ns_msg_getflag ns_name_uncompress ns_parserr open openlog
		pcap_close pcap_compile pcap_freecode pcap_geterr pcap_lib_version pcap_lookupdev pcap_loop pcap_open_live
		pcap_open_offline pcap_perror pcap_setfilter pcap_stats pcre_compile pcre_exec pcre_free_substring
		pcre_get_substring pcre_study pcre_version perror printf putc putchar puts realloc setgid setsid setuid shmat shmctl
		shmget signal snprintf sprintf stat strchr strcmp strcpy strdup strerror strftime strlen strncat strncpy strtol
		strtoul syslog time usleep vsnprintf write atoi bind getsockname htonl htons inet_ntoa ntohs pcap_inject pcap_next
		pcap_open_dead pthread_create pthread_join recv sem_init sem_post sem_wait socket sigaction sigemptyset strtok
		strcspn strspn setvbuf ferror pcap_datalink pcap_breakloop pcap_datalink_val_to_name pcap_dispatch pcap_next_ex
		recvfrom recvmsg recvmmsg send sendto sendmsg pcap_sendpacket pcap_dump epoll_wait epoll_ctl qsort bsearch
		rte_eal_init rte_eth_rx_burst rte_eth_tx_burst rte_eth_tx_buffer rte_eth_tx_buffer_flush rte_eth_dev_configure rte_eth_dev_start
		rte_pktmbuf_pool_create rte_pktmbuf_alloc rte_pktmbuf_free rte_eal_remote_launch rte_eal_mp_remote_launch rte_malloc rte_zmalloc_socket rte_ring_enqueue
		rte_ring_dequeue_burst rte_hash_lookup_data rte_lpm_lookup rte_timer_manage rte_rdtsc rte_lcore_id rte_log rte_exit __rte_panic rte_memcpy
		rte_flow_create rte_mempool_get rte_spinlock_lock rte_kni_rx_burst libnet_init libnet_build_tcp libnet_build_ipv4 libnet_autobuild_ethernet libnet_write
		libnet_adv_write_link libnet_destroy libnet_geterror eth_open eth_send ip_send arp_get arp_loop route_loop intf_loop fw_loop tun_recv addr_pton blob_write
		ip_checksum ip6_checksum ip_add_option rand_uint32 nfq_open nfq_create_queue nfq_handle_packet nfq_get_payload nfq_set_verdict nfq_set_verdict_batch
		nfq_nlmsg_put nfq_nlmsg_parse nfq_nlmsg_verdict_put nfq_nlmsg_verdict_put_pkt pktb_alloc pktb_data nfq_ip_get_hdr nfq_tcp_get_hdr nfq_tcp_mangle_ipv4
		nfq_udp_mangle_ipv4 mnl_socket_open mnl_socket_recvfrom mnl_socket_sendto mnl_cb_run mnl_attr_get_payload mnl_attr_parse mnl_nlmsg_put_header nfnl_open
		thrd_create mtx_lock tss_get call_once epoll_pwait2 pthread_cond_clockwait pcap_fopen_offline_with_tstamp_precision pcre_jit_exec pcre2_substitute_8
		inflateBack deflateCopy daq_acquire
		uev_init uev_run uev_exit uev_io_init uev_io_stop uev_timer_init uev_timer_set uev_timer_stop uev_signal_init`) {
		if s.Lookup(n) == nil {
			t.Errorf("%s has no model", n)
		}
	}
}
