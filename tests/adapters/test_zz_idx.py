import time
from uuid import uuid4
import psycopg
from mentora_pipelines.adapters.postgres.repository import Repository
from mentora_pipelines.adapters.postgres.database import Database
from mentora_pipelines.adapters.postgres.tables.people import STUDENTS as EVENTS
from mentora_pipelines.adapters.postgres.tables.people import CREATORS
def test_x(urls):
    app=Database(urls.app,"x"); admin=Database(urls.admin,"y")
    c=uuid4()
    Repository(admin,CREATORS,b"k").insert_many([{"id":c,"email":"q@q.q"}],creator_id=None)
    r=Repository(app,EVENTS,b"k")
    r.insert_many(({"id":uuid4(),"email":str(n),"creator_id":c} for n in range(20000)),creator_id=c)
    with admin.transaction() as k: k.execute("analyze students")
    def walk(tag):
        cur=None; t=time.perf_counter()
        for n in range(100):
            p=r.list(creator_id=c,order_by="created_at",descending=True,limit=20,cursor=cur); cur=p.next_cursor
        print(tag,(time.perf_counter()-t)/100*1000,"ms a page")
    walk("id asc in index")
    with admin.transaction() as k:
        k.execute("create index zz on students (creator_id, created_at desc, id desc)"); k.execute("analyze students")
    walk("id desc in index")
    from mentora_pipelines.adapters.postgres.keyset import Listing, Place
    from mentora_pipelines.adapters.postgres.conditions import conditions_of
    L=Listing(EVENTS,conditions_of(EVENTS,[],c),EVENTS.columns["created_at"],True)
    row=r.list(creator_id=c,order_by="created_at",descending=True,limit=500).rows[-1]
    pl=Place(L.position_of(row))
    from psycopg import sql
    with app.transaction(c) as k:
        for st,q,n in ((L.page_statement(pl),pl,21),(L.any_row_statement(pl.turned),pl.turned,1)):
            for (l,) in k.execute(sql.SQL("explain (analyze,buffers) {}").format(st),L.parameters(q,n)): print(l)
    with admin.transaction() as k: k.execute("drop index zz"); k.execute("delete from creators where id=%s",[c])
    app.close(); admin.close()
