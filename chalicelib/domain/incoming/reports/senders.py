"""Who may speak of a recipient: mail systems of the same organization, and those that send complaints for others.

Two names are of one organization if they share the name that was registered. Where anybody gets a mailbox, nobody
speaks for others. Not promised: that every host of mailboxes is listed here.
"""

from __future__ import annotations

from chalicelib.domain.registered_name import registered_name

# From where operators say that their reports of complaints come: addresses and domains that nobody else writes from.
FEEDBACK_ADDRESSES = {
    # JMRP; mailboxes of the same domain are anybody's.
    "staff@hotmail.com": "https://sendersupport.olc.protection.outlook.com/snds/JMRP.aspx",
}
FEEDBACK_DOMAINS = {
    "arf.mail.yahoo.com": "https://senders.yahooinc.com/faqs/",
    "comcastfbl.senderscore.net": "http://feedback.comcast.net/faq.php",
}
# Where anybody gets a mailbox, or many organizations have theirs: what comes from there may come from any of them.
_OF_ANYBODY = frozenset(
    # Mailboxes for everybody.
    "gmail.com googlemail.com google.com outlook.com hotmail.com live.com msn.com passport.com microsoft.com"
    " office365.com yahoo.com yahoodns.net ymail.com rocketmail.com aol.com aim.com verizon.net att.net"
    " sbcglobal.net bellsouth.net yahoo.co.jp yahoo.co.uk yahoo.fr yahoo.de icloud.com me.com mac.com apple.com"
    " gmx.net gmx.de gmx.com gmx.at gmx.ch web.de mail.com 1und1.de kundenserver.de ionos.com t-online.de"
    " freenet.de arcor.de vodafone.de vodafonemail.de orange.fr wanadoo.fr free.fr sfr.fr laposte.net bbox.fr"
    " libero.it virgilio.it tiscali.it tim.it alice.it aruba.it mail.ru bk.ru list.ru inbox.ru yandex.ru"
    " yandex.com yandex.net ya.ru rambler.ru qq.com foxmail.com 163.com 126.com netease.com yeah.net sina.com"
    " sohu.com aliyun.com naver.com daum.net hanmail.net kakao.com nate.com rediffmail.com proton.me"
    " protonmail.com protonmail.ch pm.me tutanota.com tuta.com tuta.io fastmail.com fastmail.fm"
    " messagingengine.com hey.com mailbox.org posteo.de posteo.net riseup.net disroot.org hushmail.com"
    " mailfence.com runbox.com startmail.com migadu.com seznam.cz centrum.cz wp.pl o2.pl onet.pl interia.pl abv.bg"
    " ukr.net i.ua comcast.net xfinity.com cox.net charter.net spectrum.net rr.com earthlink.net optonline.net"
    " frontier.com centurylink.net juno.com netzero.net btinternet.com virginmedia.com sky.com talktalk.net"
    " bigpond.com telstra.com optusnet.com.au shaw.ca rogers.com bell.net telus.net sympatico.ca videotron.ca"
    " ziggo.nl kpnmail.nl xs4all.nl telenet.be skynet.be bluewin.ch swisscom.ch telenor.no online.no telia.com"
    " uol.com.br bol.com.br terra.com.br terra.com ig.com.br docomo.ne.jp ezweb.ne.jp softbank.ne.jp nifty.com"
    " ocn.ne.jp"
    # Hosts of mailboxes and filters of many organizations.
    " zoho.com zoho.eu zoho.in zohomail.com emailsrvr.com rackspace.com secureserver.net godaddy.com ovh.net"
    " ovh.com gandi.net hostinger.com hostgator.com bluehost.com dreamhost.com namecheap.com privateemail.com"
    " siteground.com siteground.eu one.com loopia.se strato.de rzone.de hetzner.com your-server.de infomaniak.com"
    " infomaniak.ch hostpoint.ch locaweb.com.br tucows.com hostedemail.com bluetie.com synacor.com serverdata.net"
    " intermedia.net pphosted.com ppe-hosted.com proofpoint.com mimecast.com barracudanetworks.com messagelabs.com"
    " iphmx.com trendmicro.com trendmicro.eu mailcontrol.com forcepoint.com sophos.com mxlogic.net mcafee.com"
    " spamexperts.com antispamcloud.com mailspamprotection.com hornetsecurity.com antispameurope.com retarus.com"
    " mxthunder.com cloudflare.net improvmx.com forwardemail.net mailgun.org sendgrid.net amazonses.com"
    " sparkpostmail.com mailchannels.net postmarkapp.com awsapps.com amazonaws.com linode.com"
    " linodeusercontent.com digitalocean.com vultr.com vultrusercontent.com contaboserver.net".split()
)


def is_one_organization(one: str, other: str) -> bool:
    """Whether two domains have the same registered name."""
    return bool(one and other) and registered_name(one) == registered_name(other)


def is_of_anybody(domain: str) -> bool:
    """Whether anybody gets a mailbox in this domain's organization, or many others have theirs there."""
    labels = domain.lower().rstrip(".").split(".")
    return any(".".join(labels[at:]) in _OF_ANYBODY for at in range(len(labels)))


def vouches_for(sender: str, domain: str) -> bool:
    """Whether mail that certainly comes from one domain speaks for mailboxes of another."""
    return is_one_organization(sender, domain) and not is_of_anybody(sender)
