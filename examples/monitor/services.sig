# Service signatures, first match wins.
#
#   port   tcp|udp PORT  NAME    the service listens on this port
#   prefix tcp|udp BYTES NAME    what the service sends begins so; \xNN is one byte

port tcp 21 ftp
port tcp 22 ssh
port tcp 23 telnet
port tcp 25 smtp
port tcp 53 domain
port tcp 80 http
port tcp 88 kerberos
port tcp 110 pop3
port tcp 143 imap
port tcp 389 ldap
port tcp 443 https
port tcp 445 smb
port tcp 993 imaps
port tcp 3306 mysql
port tcp 5432 postgresql
port tcp 6379 redis
port tcp 6667 irc
port tcp 8080 http
port tcp 20000 dnp3

port udp 53 domain
port udp 67 dhcp
port udp 88 kerberos
port udp 123 ntp
port udp 137 netbios-ns
port udp 161 snmp
port udp 500 isakmp
port udp 514 syslog
port udp 1900 ssdp
port udp 5353 mdns

prefix tcp SSH- ssh
prefix tcp HTTP/1. http
prefix tcp +OK pop3
prefix tcp *\x20OK imap
prefix tcp 220- ftp
prefix tcp \x16\x03 tls
prefix udp HTTP/1.1\x20200 ssdp
